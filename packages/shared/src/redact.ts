import { parseJsonExact } from "./json.ts";
import { isSecretName } from "./secret-names.ts";

/** What stands in the place of a secret. */
const REDACTED = "[redacted]";

/**
 * A URL in running text, with whatever query follows it: signed URLs keep their credentials there. It always matches to
 * the end of the URL, query or not, so hostile text is gone through once.
 */
const URL_IN_TEXT = /[a-z][a-z0-9+.-]{1,10}:\/\/[^\s"']*/giu;

/**
 * A name in quotes that a colon follows: a member of JSON, or of what resembles it, inside running text, whole or cut
 * off and at any depth of escaping. An error message quotes the text that it is about.
 */
const MEMBER = /(?<quote>["'])(?<name>[^"'\\]+)\\*\k<quote>\s*:\s*/gu;

/**
 * `name=…`, `name[0]=…` and `name: …`. In the parameter of another URL the sign between them is encoded, as often as
 * URLs stand inside each other. No name begins inside another: from there on the search would be quadratic.
 * What is wrong with a secret variable of the environment is told with "its value" instead of the value.
 */
const PARAMETER =
  /(?<![\w-])(?<name>[\w-]+)(?:\[\w{0,16}\])?(?:\s{0,8}[=:](?! its value )\s{0,8}|%(?:25){0,8}3[Dd])/gu;

/** What is left of the encoded sign before a name: `26sign` of `%26sign%3D…`. */
const ENCODED_SIGN = /^(?:25)*[0-9a-f]{2}/iu;

/** A cookie has names of its own, and goes on behind each semicolon. */
const COOKIE = /(?<![\w-])(?<head>(?:set-)?cookies?\s{0,8}:\s{0,8})[^\r\n"']+/giu;

/**
 * The value that begins here, without the quote that ends it. Inside quotes which are escaped so many times, a quote
 * that is escaped more or less often is a part of the value.
 */
const VALUE =
  /(?<open>(?<double>\\*)"|(?<single>\\*)')(?:(?<=")[^"\\]*(?:(?!\k<double>")\\+"?[^"\\]*)*|(?<=')[^'\\]*(?:(?!\k<single>')\\+'?[^'\\]*)*)|[[{][^\]}]*[\]}]?|(?:(?:basic|bearer|digest)\s+)?[^&;\s"']*/iuy;

/**
 * Cuts queries and user information of URLs, and secret parameters and members, from free text. The time that it takes
 * is linear in the length of the text, whatever stands there.
 */
export function redactText(text: string): string {
  const members = redactNamed(text, MEMBER);
  return redactParameters(members.replace(URL_IN_TEXT, cutUrl));
}

function redactParameters(text: string): string {
  return redactNamed(text.replace(COOKIE, `$<head>${REDACTED}`), PARAMETER);
}

/** Replaces the value behind each secret name that `heads`, a global pattern with a group `name`, finds. */
function redactNamed(text: string, heads: RegExp): string {
  let shown = "";
  let copiedTo = 0;
  heads.lastIndex = 0;
  for (let head = heads.exec(text); head !== null; head = heads.exec(text)) {
    const name = head.groups?.["name"] ?? "";
    const valueAt = heads.lastIndex;
    if (!isSecretName(decodedName(text, head.index, name)) || isPort(text, head.index, valueAt)) {
      // The quote after a name may open another member.
      if (heads === MEMBER) heads.lastIndex = head.index + 1 + name.length;
      continue;
    }
    VALUE.lastIndex = valueAt;
    const value = VALUE.exec(text);
    shown += `${text.slice(copiedTo, valueAt)}${value?.groups?.["open"] ?? ""}${REDACTED}`;
    copiedTo = valueAt + (value?.[0].length ?? 0);
    heads.lastIndex = copiedTo;
  }
  return shown + text.slice(copiedTo);
}

function decodedName(text: string, at: number, name: string): string {
  return text[at - 1] === "%" ? name.replace(ENCODED_SIGN, "") : name;
}

/** `http://auth:8080` has a host that is called like a secret. */
function isPort(text: string, nameAt: number, valueAt: number): boolean {
  return (
    text.startsWith("//", nameAt - 2) &&
    text[valueAt - 1] === ":" &&
    /^\d{1,5}(?:[/\s]|$)/u.test(text.slice(valueAt, valueAt + 6))
  );
}

/** A URL up to its query or fragment: what stays the same when it is signed anew. */
export function withoutQuery(url: string): string {
  return url.split(/[?#]/u, 1)[0] ?? url;
}

/**
 * One URL without its query, fragment, user and password, and without secret parameters in its path. Unlike
 * {@link redactText} it knows where the URL begins, so no length of it hides a query.
 */
export function redactUrl(url: string): string {
  return redactParameters(cutUrl(url));
}

function cutUrl(url: string): string {
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
      if (!isSecretName(key)) return [key, redactValue(item, depth)];
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
  return redactText(/^[a-z][a-z0-9+.-]*:\/\/\S+$/iu.test(value) ? cutUrl(value) : value);
}
