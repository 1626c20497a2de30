/**
 * JSON as this system reads it: exact and bounded.
 *
 * Provider ids pass 2^53, and a JSON number is rounded silently by `JSON.parse`. Structure is bounded because
 * everything that walks a value later (validation, redaction, serialising) is recursive.
 */

/** Deeper nesting than this is refused. The provider's own bodies nest two levels deep. */
export const MAX_JSON_DEPTH = 64;

export type StrictJson = { ok: true; value: unknown } | { ok: false; problem: string };

/**
 * `JSON.parse` plus what it lets through and two readers could understand differently: a key that stands twice at the
 * top level (RFC 8259 section 4 leaves the meaning open), a `__proto__` key anywhere, and nesting beyond
 * {@link MAX_JSON_DEPTH}.
 */
export function parseStrictJson(text: string): StrictJson {
  const sound = soundText(text);
  if (sound === null) return { ok: false, problem: "not well-formed JSON" };
  const problem = structureProblem(sound.text);
  return problem === null ? { ok: true, value: sound.value } : { ok: false, problem };
}

/**
 * The text itself when it is JSON, else the text with `\\"` read as `\"`, if that makes it JSON.
 *
 * The specification's own sample callback is printed like that: its `callback_ext` has quotes escaped twice, which ends
 * the string at its second character. Only text that cannot be read otherwise is read so; what is stored stays as sent.
 */
function soundText(text: string, parse = plainParse): { text: string; value: unknown } | null {
  return tryParse(text, parse) ?? tryParse(text.replaceAll('\\\\"', '\\"'), parse);
}

const plainParse = (text: string): unknown => JSON.parse(text);

function tryParse(
  text: string,
  parse: (text: string) => unknown,
): { text: string; value: unknown } | null {
  try {
    return { text, value: parse(text) };
  } catch (error) {
    if (error instanceof RangeError && error.message === DEPTH_PROBLEM) throw error;
    return null;
  }
}

/**
 * Parses JSON with every whole number that a double cannot hold exactly turned into the string of its digits.
 *
 * @throws SyntaxError when the text is not JSON, RangeError when it nests too deeply.
 */
export function parseJsonExact(text: string): unknown {
  const sound = soundText(text, exactParse);
  if (sound === null) throw new SyntaxError("not well-formed JSON");
  return sound.value;
}

/** Where a whole number of so many digits begins that it may be beyond 2^53; texts may have such a place too. */
const LONG_NUMBER = /(?:^|[[,:\-\s])\d{16}/u;

function exactParse(text: string): unknown {
  // First: a parse with a reviver is recursive.
  if (mayBeDeep(text) && structureProblem(text) === DEPTH_PROBLEM) {
    throw new RangeError(DEPTH_PROBLEM);
  }
  // Six times as fast as with a reviver, which is called for each value.
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  // The third argument is ECMAScript's "JSON.parse source text access", which TypeScript's library does not declare yet.
  const reviver = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === "number" &&
    !Number.isSafeInteger(value) &&
    context?.source !== undefined &&
    /^-?\d+$/u.test(context.source)
      ? context.source
      : value;
  return JSON.parse(text, reviver);
}

/** Whether a text has more brackets and braces that open than may be open at a time. */
function mayBeDeep(text: string): boolean {
  let opened = 0;
  for (const open of ["{", "["]) {
    for (let at = text.indexOf(open); at !== -1; at = text.indexOf(open, at + 1)) {
      if (++opened > MAX_JSON_DEPTH) return true;
    }
  }
  return false;
}

const DEPTH_PROBLEM = `nested deeper than ${MAX_JSON_DEPTH} levels`;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/**
 * One pass over text that is known to be well-formed JSON: in it a string followed by a colon is a key, and nothing
 * else is. Text that is not well-formed gives some answer in linear time, never an exception.
 */
function structureProblem(text: string): string | null {
  const topLevelKeys = new Set<string>();
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x7b || char === 0x5b) {
      if (++depth > MAX_JSON_DEPTH) return DEPTH_PROBLEM;
    } else if (char === 0x7d || char === 0x5d) {
      depth--;
    } else if (char === QUOTE) {
      const start = at;
      at = endOfString(text, at);
      if (isKey(text, at + 1)) {
        const key = decodeKey(text.slice(start, at + 1));
        if (key === "__proto__") return "a key named __proto__";
        if (depth === 1) {
          if (topLevelKeys.has(key)) return "a top-level key stands twice";
          topLevelKeys.add(key);
        }
      }
    }
  }
  return null;
}

/** Index of the closing quote of the string that opens at `open`. */
function endOfString(text: string, open: number): number {
  // A search, not a look at each character: most of a callback is inside of strings.
  for (let at = text.indexOf('"', open + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return text.length;
}

function isKey(text: string, from: number): boolean {
  for (let at = from; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === COLON) return true;
    if (char !== 0x20 && char !== 0x09 && char !== 0x0a && char !== 0x0d) return false;
  }
  return false;
}

function decodeKey(quoted: string): string {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}
