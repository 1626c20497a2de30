/** `1,234,567` */
export function countText(value: number): string {
  return value.toLocaleString("en-US");
}

/** `1 recording`, `2,000 recordings` */
export function countOf(value: number, one: string): string {
  return `${countText(value)} ${one}${value === 1 ? "" : "s"}`;
}

/** An age: `850 ms`, `12 s`, `5 min`, `3 h`, `12 d` */
export function ageText(ageMs: number): string {
  const ms = Math.max(0, Math.round(ageMs));
  if (ms < 1000) return `${ms} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

/** `2026-01-31 12:00:00Z` of an ISO time: a table needs no microseconds. */
export function secondText(iso: string): string {
  return `${iso.slice(0, 19).replace("T", " ")}Z`;
}
