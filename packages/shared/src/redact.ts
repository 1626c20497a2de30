import { parseJsonExact } from "./json.ts";

/** What stands in the place of a secret. */
export const REDACTED = "[redacted]";

/**
 * Keys whose values never leave the system (guarantee G6). `sign` proves a callback for anyone who holds it until `t`;
 * `stream_param` carries the push secret (`txSecret`).
 */
const SECRET_KEY = /^(?:sign|signature|stream_?param|.*(?:secret|token|password).*)$/iu;

/**
 * A URL's query in running text: signed URLs keep their credentials there. Every repetition is bounded, so that
 * hostile text costs linear time.
 */
const URL_QUERY = /([a-z][a-z0-9+.-]{1,10}:\/\/[^\s"'?#]{1,2048})\?[^\s"'#]*/giu;
/** User and password before the host. */
const URL_USERINFO = /([a-z][a-z0-9+.-]{1,10}:\/\/)[^\s"'/?#@]{1,512}@/giu;
const SECRET_PARAMETER = /\b(txSecret|sign|signature|token|secret|password)=[^&\s"']*/giu;

/**
 * A secret member of JSON inside running text, whole or cut off, at any depth of escaping: an error message quotes the
 * text that it is about.
 */
const SECRET_MEMBER =
  /(\\{0,16}"(?:sign|signature|stream_?param|\w{0,32}(?:secret|token|password)\w{0,32})\\{0,16}"\s{0,8}:\s{0,8}\\{0,16}")(?:[^"\\]|\\+[^"\\])*/giu;

/** Cuts queries and user information of URLs, and secret parameters and members, from free text. */
export function redactText(text: string): string {
  return text
    .replace(SECRET_MEMBER, `$1${REDACTED}`)
    .replace(URL_USERINFO, `$1${REDACTED}@`)
    .replace(URL_QUERY, `$1?${REDACTED}`)
    .replace(SECRET_PARAMETER, `$1=${REDACTED}`);
}

/**
 * One URL without its query, fragment, user and password. Unlike {@link redactText} it knows where the URL begins, so
 * no length of it hides a query.
 */
export function redactUrl(url: string): string {
  const [, before = url, after] = /^([^?#]*)([?#].*)?$/su.exec(url) ?? [];
  const bare = before.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/iu, `$1${REDACTED}@`);
  return after === undefined ? bare : `${bare}?${REDACTED}`;
}

/** Keeps the names of the push URL's parameters and none of their values. Separators are `&`, `;` and `|`. */
export function redactStreamParam(streamParam: string): string {
  return streamParam.replace(/=[^&;|]*/gu, `=${REDACTED}`);
}

/**
 * The body of a callback for people to read: the same JSON with its secrets replaced, at any depth and inside strings
 * that hold JSON themselves. Text that is not JSON is not shown at all, for nothing says where its secrets stand.
 */
export function redactBody(body: string): string {
  try {
    return JSON.stringify(redactValue(parseJsonExact(body), 0));
  } catch {
    return REDACTED;
  }
}

/**
 * A copy of a value with its secrets replaced, as {@link redactBody} does it for a body. A value that nests too deeply
 * to be read is replaced whole; `JSON.stringify` itself fails on it when it comes to an answer.
 */
export function redactJson(value: unknown): unknown {
  try {
    const json = JSON.stringify(value);
    return json === undefined ? value : redactValue(parseJsonExact(json), 0);
  } catch {
    return REDACTED;
  }
}

/** JSON inside JSON inside JSON: three levels are looked into, the rest is treated as text. */
const MAX_EMBEDDED_JSON = 3;

function redactValue(value: unknown, embedded: number): unknown {
  if (typeof value === "string") return redactString(value, embedded);
  if (Array.isArray(value)) return value.map((item) => redactValue(item, embedded));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (!SECRET_KEY.test(key)) return [key, redactValue(item, embedded)];
      return [
        key,
        typeof item === "string" && /param/iu.test(key) ? redactStreamParam(item) : REDACTED,
      ];
    }),
  );
}

function redactString(value: string, embedded: number): string {
  if (embedded < MAX_EMBEDDED_JSON && /^\s*[[{]/u.test(value)) {
    try {
      return JSON.stringify(redactValue(parseJsonExact(value), embedded + 1));
    } catch {
      // Not JSON after all: text.
    }
  }
  return redactText(/^[a-z][a-z0-9+.-]*:\/\/\S+$/iu.test(value) ? redactUrl(value) : value);
}
