const NUMBER = new Intl.NumberFormat("en-US", { maximumFractionDigits: 6 });
const UNITS = ["bytes", "kB", "MB", "GB", "TB", "PB", "EB"] as const;

/** `277.9 MB`: three to four digits, units of 1000. */
export function humanBytes(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  // 999.95 of a unit would be written as 1000.0 of it.
  while (Math.abs(value) >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  if (unit === 0) return `${NUMBER.format(value)} ${value === 1 ? "byte" : "bytes"}`;
  return `${value.toFixed(1)} ${UNITS[unit] ?? ""}`;
}

/** `277,941,079 bytes`. */
export function exactBytes(sizeBytes: number): string {
  return `${NUMBER.format(sizeBytes)} ${sizeBytes === 1 ? "byte" : "bytes"}`;
}

/** `2 min 34 s`: the two largest units that say something. */
export function humanDuration(durationS: number): string {
  if (durationS < 0) return `−${humanDuration(-durationS)}`;
  if (durationS < 0.0995)
    return durationS === 0 ? "0 s" : `${Math.max(1, Math.round(durationS * 1000))} ms`;
  if (durationS < 9.95) return `${durationS.toFixed(1).replace(/\.0$/u, "")} s`;
  const seconds = Math.round(durationS);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return twoUnits(minutes, "min", seconds % 60, "s");
  const wholeMinutes = Math.round(seconds / 60);
  const hours = Math.floor(wholeMinutes / 60);
  if (hours < 24) return twoUnits(hours, "h", wholeMinutes % 60, "min");
  const wholeHours = Math.round(seconds / 3600);
  return twoUnits(Math.floor(wholeHours / 24), "d", wholeHours % 24, "h");
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const first = `${NUMBER.format(large)} ${largeUnit}`;
  return small === 0 ? first : `${first} ${small} ${smallUnit}`;
}

/** `154.25 s`. */
export function exactDuration(durationS: number): string {
  return `${NUMBER.format(durationS)} s`;
}

/** `1.8 Mbit/s`, from kilobits (1000 bits) a second. */
export function humanBitrate(bitrateKbps: number): string {
  return bitrateKbps < 1000
    ? `${NUMBER.format(Math.round(bitrateKbps))} kbit/s`
    : `${(bitrateKbps / 1000).toFixed(1)} Mbit/s`;
}

/** `12,345`. */
export function count(value: number): string {
  return NUMBER.format(value);
}

/** `1 recording`, `2 recordings`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
