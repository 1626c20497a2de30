import { z } from "zod";

const isoTime = z.iso.datetime({ offset: true });

/**
 * An ISO 8601 time with `Z` or an offset as UTC with microseconds: what the catalogue stores and compares. The offset is
 * worked out here, since Postgres takes fewer offsets and years than ISO 8601 has; digits beyond microseconds are cut
 * off. Null for a time outside the years 1 to 9999, and for everything else.
 */
export function utcMicroseconds(value: string): string | null {
  if (value.length > 40 || !isoTime.safeParse(value).success) return null;
  const fraction = /\.(\d+)/u.exec(value)?.[1] ?? "";
  const unixMs = Date.parse(value.replace(/\.\d+/u, ""));
  if (Number.isNaN(unixMs)) return null;
  const seconds = new Date(unixMs).toISOString().replace(/\.\d+Z$/u, "");
  if (!/^(?!0000)\d{4}-/u.test(seconds)) return null;
  return `${seconds}.${fraction.slice(0, 6).padEnd(6, "0")}Z`;
}
