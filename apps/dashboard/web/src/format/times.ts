const two = (value: number): string => String(value).padStart(2, "0");

/** Unix time in milliseconds; microseconds become a fraction. NaN for what is no time. */
export function unixMs(iso: string): number {
  const ms = Date.parse(iso);
  const micros = /\.\d{3}(\d{1,3})/u.exec(iso)?.[1];
  return micros === undefined ? ms : ms + Number(micros.padEnd(3, "0")) / 1000;
}

/** The reader's own clock: `2026-11-25 19:24:03`; what is no time is shown as it is. */
export function localTime(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : `${localDay(date)} ${localClock(date)}`;
}

/** `2026-11-25` of the reader's own calendar. */
function localDay(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** `19:24:03` of the reader's own clock. */
export function localClock(date: Date, seconds = true): string {
  const minutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return seconds ? `${minutes}:${two(date.getSeconds())}` : minutes;
}

/** `2026-11-25 18:24:03.123456 UTC`, with as many digits as the time has. */
export function utcTime(iso: string): string {
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?)Z$/u.exec(iso);
  if (match !== null) return `${match[1] ?? ""} ${match[2] ?? ""} UTC`;
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : utcTime(date.toISOString());
}

const STEPS = [
  { unit: "min", seconds: 60 },
  { unit: "h", seconds: 3600 },
  { unit: "d", seconds: 86_400 },
] as const;

/** `4 min ago`, `in 2 h`, `just now`. */
export function age(iso: string, nowMs: number): string {
  const seconds = (nowMs - unixMs(iso)) / 1000;
  if (Number.isNaN(seconds)) return "";
  const distance = Math.round(Math.abs(seconds));
  if (distance < 5) return "just now";
  let text = `${distance} s`;
  for (const step of STEPS) {
    if (distance >= step.seconds) text = `${Math.floor(distance / step.seconds)} ${step.unit}`;
  }
  return seconds < 0 ? `in ${text}` : `${text} ago`;
}

/** What `<input type="datetime-local">` shows for a time: the reader's own clock, to the second. */
export function toLocalInput(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? "" : `${localDay(date)}T${localClock(date)}`;
}

/** The time that was entered into `<input type="datetime-local">`, ISO 8601 in UTC; null for none. */
export function fromLocalInput(value: string): string | null {
  const ms = value === "" ? Number.NaN : new Date(value).getTime();
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}
