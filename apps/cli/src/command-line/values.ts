import { InvalidArgumentError } from "commander";
import { utcMicroseconds } from "@reelgate/shared/utc-time";

/** A whole number within bounds. */
export function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/u.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `90s`, `15m`, `12h`, `90d`, `4w` as milliseconds, or null. */
function durationMs(text: string): number | null {
  const match = /^(\d{1,6})([smhdw])$/u.exec(text);
  return match === null ? null : Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? 0);
}

/** A length of time of at least `minMs`. */
export function duration(minMs: number, minText: string): (text: string) => number {
  return (text) => {
    const value = durationMs(text);
    if (value === null) {
      throw new InvalidArgumentError("It must be a number with s, m, h, d or w, such as 90d.");
    }
    if (value < minMs) throw new InvalidArgumentError(`It must be ${minText} or more.`);
    return value;
  };
}

/** A time as ISO 8601 UTC with microseconds: given so, as a date, or as how long ago it was. */
export function time(text: string): string {
  const agoMs = durationMs(text);
  const date = /^\d{4}-\d\d-\d\d$/u.test(text) ? `${text}T00:00:00Z` : text;
  const utc = utcMicroseconds(
    agoMs === null ? date : new Date(Math.max(Date.now() - agoMs, 0)).toISOString(),
  );
  if (utc === null) {
    throw new InvalidArgumentError(
      "It must be a time such as 2026-01-31T12:00:00Z, a date, or an age such as 12h or 7d.",
    );
  }
  return utc;
}

const MAX_TEXT_CHARS = 512;

/** A value to compare with what is in the catalogue. Postgres stores no NUL in text, so nothing can equal one. */
export function lookup(text: string): string {
  if (text === "" || text.length > MAX_TEXT_CHARS || text.includes("\0")) {
    throw new InvalidArgumentError(`It must be 1 to ${MAX_TEXT_CHARS} characters.`);
  }
  return text;
}
