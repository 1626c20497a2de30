import { parseJsonExact } from "./json.ts";

/**
 * `callback_ext` read as JSON: once, or a second time when it was escaped twice (the specification's sample prints it
 * so). Null when it is absent, no JSON, or nested too deeply for those who write it out again; the raw text is kept in
 * any case.
 */
export function readCallbackExt(raw: string | null): unknown {
  if (raw === null) return null;
  for (const candidate of [raw, raw.replaceAll('\\"', '"')]) {
    try {
      const value = parseJsonExact(candidate);
      return typeof value === "string" ? parseJsonExact(value) : value;
    } catch {
      // The next reading, if there is one.
    }
  }
  return null;
}
