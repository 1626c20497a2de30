/** Quantities as people read them. Sizes in powers of 1,000, as rates and disks count. */

const UNITS = ["bytes", "kB", "MB", "GB", "TB"] as const;

/** `51.5 MB` */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ""}`;
}

/** `1:02:03` or `2:03` */
export function durationText(durationS: number): string {
  const whole = Math.round(durationS);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const seconds = String(whole % 60).padStart(2, "0");
  return hours === 0
    ? `${minutes}:${seconds}`
    : `${hours}:${String(minutes).padStart(2, "0")}:${seconds}`;
}

/** `1,234,567` */
export function countText(value: number): string {
  return value.toLocaleString("en-US");
}
