/** Times cross the catalogue's border as text with microseconds; a JavaScript Date would cut them to milliseconds. */

/** `2022-01-13 15:57:25.316441+00`, as Postgres prints it in UTC, to `2022-01-13T15:57:25.316441Z`. */
export function isoMicroseconds(text: string): string {
  const match = /^(\d{4,6}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/u.exec(text);
  if (match === null) throw new Error(`not a UTC time of Postgres: ${text}`);
  return `${match[1]}T${match[2]}.${(match[3] ?? "").padEnd(6, "0")}Z`;
}

/** Unix time in microseconds to ISO 8601 with microseconds. */
export function isoFromUnixMicroseconds(unixUs: number): string {
  const seconds = Math.floor(unixUs / 1_000_000);
  const fraction = String(unixUs - seconds * 1_000_000).padStart(6, "0");
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}

/** Unix time in milliseconds to ISO 8601 with microseconds. */
export function isoFromUnixMilliseconds(unixMs: number): string {
  return isoFromUnixMicroseconds(unixMs * 1000);
}
