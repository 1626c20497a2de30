import { parseJsonExact } from "./json.ts";

/** What stands in the place of a secret. */
const REDACTED = "[redacted]";

/**
 * Keys whose values never leave the system (guarantee G6). `sign` proves a callback for anyone who holds it until `t`;
 * `stream_param` carries the push secret (`txSecret`).
 */
const SECRET_KEY =
  /^(?:sign|signature|stream_?param|auth|(?:.*[_-])?key|.*(?:secret|token|passw|credential|authorization).*)$/iu;

/**
 * A URL in running text, with whatever query follows it: signed URLs keep their credentials there. It always matches to
 * the end of the URL, query or not, so hostile text is gone through once.
 */
const URL_IN_TEXT = /[a-z][a-z0-9+.-]{1,10}:\/\/[^\s"']*/giu;
/**
 * `access_token=…`, `wsSecret=…`, `auth_key=…`: a name that holds one of the words. In the parameter of another URL the
 * sign between them is encoded, as often as URLs stand inside each other.
 */
const SECRET_PARAMETER =
  /([\w-]{0,32}(?:secret|sign|token|passw|credential|auth|key)[\w-]{0,32}(?:=|%(?:25){0,8}3D))[^&;\s"']*/giu;

/**
 * A secret member of JSON inside running text, whole or cut off, at any depth of escaping: an error message quotes the
 * text that it is about.
 */
const SECRET_MEMBER =
  /(\\{0,16}"(?:sign|signature|stream_?param|auth|(?:[\w-]{0,32}[_-])?key|[\w-]{0,32}(?:secret|token|passw|credential|authorization)[\w-]{0,32})\\{0,16}"\s{0,8}:\s{0,8}\\{0,16}")(?:[^"\\]|\\+[^"\\])*/giu;

/** Cuts queries and user information of URLs, and secret parameters and members, from free text. */
export function redactText(text: string): string {
  return text
    .replace(SECRET_MEMBER, `$1${REDACTED}`)
    .replace(URL_IN_TEXT, redactUrl)
    .replace(SECRET_PARAMETER, `$1${REDACTED}`);
}

/** A URL up to its query or fragment: what stays the same when it is signed anew. */
export function withoutQuery(url: string): string {
  return url.split(/[?#]/u, 1)[0] ?? url;
}

/**
 * One URL without its query, fragment, user and password. Unlike {@link redactText} it knows where the URL begins, so
 * no length of it hides a query.
 */
export function redactUrl(url: string): string {
  const before = withoutQuery(url);
  const bare = before.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/iu, `$1${REDACTED}@`);
  return before === url ? bare : `${bare}?${REDACTED}`;
}

/**
 * Keeps the names of the push URL's parameters and none of their values; what has no name is hidden whole. Separators
 * are `&`, `;` and `|`.
 */
export function redactStreamParam(streamParam: string): string {
  return streamParam.replace(/[^&;|]+/gu, (parameter) => {
    const equals = parameter.indexOf("=");
    return equals === -1 ? REDACTED : `${parameter.slice(0, equals)}=${REDACTED}`;
  });
}

/**
 * The body of a callback for people to read: the same JSON with its secrets replaced, at any depth and inside strings
 * that hold JSON themselves. Text that is not JSON is not shown at all, for nothing says where its secrets stand.
 */
export function redactBody(body: string): string {
  try {
    return JSON.stringify(redactValue(parseJsonExact(body), { embedded: 0, parses: 0 }));
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
    return json === undefined
      ? value
      : redactValue(parseJsonExact(json), { embedded: 0, parses: 0 });
  } catch {
    return REDACTED;
  }
}

/** JSON inside JSON inside JSON: three levels are looked into; what may be JSON below them is not shown. */
const MAX_EMBEDDED_JSON = 3;
/** Strings of one body that are tried as JSON. The provider's have two; a hostile body can have thousands. */
const MAX_EMBEDDED_PARSES = 50;

interface Depth {
  embedded: number;
  /** Counted over the whole body. */
  parses: number;
}

function redactValue(value: unknown, depth: Depth): unknown {
  if (typeof value === "string") return redactString(value, depth);
  if (Array.isArray(value)) return value.map((item) => redactValue(item, depth));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (!SECRET_KEY.test(key)) return [key, redactValue(item, depth)];
      return [
        key,
        typeof item === "string" && /param/iu.test(key) ? redactStreamParam(item) : REDACTED,
      ];
    }),
  );
}

function redactString(value: string, depth: Depth): string {
  if (/^\s*[[{]/u.test(value)) {
    if (depth.embedded >= MAX_EMBEDDED_JSON || depth.parses >= MAX_EMBEDDED_PARSES) return REDACTED;
    depth.parses += 1;
    try {
      const inner = parseJsonExact(value);
      depth.embedded += 1;
      const redacted = JSON.stringify(redactValue(inner, depth));
      depth.embedded -= 1;
      return redacted;
    } catch {
      // Not JSON after all: text.
    }
  }
  return redactText(/^[a-z][a-z0-9+.-]*:\/\/\S+$/iu.test(value) ? redactUrl(value) : value);
}
