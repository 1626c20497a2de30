import { parseAttributes } from "../../hls/attribute-list.ts";
import { startTurns } from "../../concurrency/event-loop-turns.ts";
import { type PlaylistLine, readLines } from "../../hls/playlist-lines.ts";

/** Replaces the text from `start` to `end` (UTF-16 code units, end exclusive). */
interface Edit {
  start: number;
  end: number;
  text: string;
}

type TagLine = Extract<PlaylistLine, { kind: "tag" }>;

/**
 * An absolute address, or the query of one, which may be signed, or a word for what opens something: a copy outlives all
 * of them and may be shown to others.
 */
const SECRET = /:\/\/|\?|sign|token|secret|auth/i;
/**
 * What may make a player go elsewhere: an attribute such as URI, X-ASSET-URI and X-ASSET-LIST (of parts, previews,
 * renditions and interstitials).
 */
const ADDRESS = /(?:URI|URL|LIST)[ \t]*=/i;
const NO_KEY = "#EXT-X-KEY:METHOD=NONE";
/** Of EXT-X-KEY (RFC 8216, 4.3.2.4). Others are a vendor's, and may name another place to get the key. */
const KEPT_ATTRIBUTES: ReadonlySet<string> = new Set([
  "METHOD",
  "IV",
  "KEYFORMAT",
  "KEYFORMATVERSIONS",
]);
/** Whole lines that are no tag. */
const COMMENT = /^[ \t]*#[^\n]*/gm;

/**
 * The text of a media playlist that names local files in place of remote ones. Everything that no name depends on stays
 * as it was served. What else changes, and why:
 *
 * - Every byte range is a file of its own, so EXT-X-BYTERANGE and the BYTERANGE of EXT-X-MAP are taken out.
 * - EXT-X-KEY and EXT-X-MAP keep the attributes that the specification knows: a vendor's may name another address.
 * - A tag with an address that is not part of the copy is taken out, its line left blank: keys that no segment is
 *   encrypted with, session keys, parts of segments, interstitials. A copy must not make a player call the origin.
 * - Comments, titles and unknown tags with anything that looks like an address or a query: there may be a secret in it.
 *
 * @param nameOf The local name for the URI that begins at this offset of the text; null for one that is not needed.
 * @throws AppError `media_playlist_invalid` for a malformed attribute list; the reason of the signal.
 */
export async function localPlaylist(
  text: string,
  nameOf: (start: number) => string | null,
  signal: AbortSignal,
): Promise<string> {
  const turns = startTurns(signal);
  const pieces: string[] = [];
  let position = 0;
  let lastEnd = 0;

  /** Between the lines that say something there are blank ones and comments. */
  function takeComments(end: number): void {
    const between = text.slice(lastEnd, end);
    if (SECRET.test(between)) {
      pieces.push(text.slice(position, lastEnd), between.replaceAll(COMMENT, withoutSecret));
      position = end;
    }
  }

  for (const line of readLines(text)) {
    if (turns.isOver()) {
      await turns.next();
    }
    takeComments(startOf(text, line));
    lastEnd = line.kind === "uri" ? line.end : line.valueStart + line.value.length;
    const edit = line.kind === "uri" ? editOfUri(line, nameOf) : editOfTag(line, nameOf);
    if (edit !== null) {
      pieces.push(text.slice(position, edit.start), edit.text);
      position = edit.end;
    }
  }
  takeComments(text.length);
  pieces.push(text.slice(position));
  return pieces.join("");
}

function withoutSecret(comment: string): string {
  return SECRET.test(comment) ? "" : comment;
}

function startOf(text: string, line: PlaylistLine): number {
  if (line.kind === "uri") {
    return line.start;
  }
  const colon = text[line.valueStart - 1] === ":" ? 1 : 0;
  return line.valueStart - colon - line.name.length - "#".length;
}

function editOfUri(
  { start, end }: { start: number; end: number },
  nameOf: (start: number) => string | null,
): Edit {
  return { start, end, text: nameOf(start) ?? "" };
}

function editOfTag(tag: TagLine, nameOf: (start: number) => string | null): Edit | null {
  switch (tag.name) {
    case "EXT-X-BYTERANGE":
      return wholeLine(tag, "");
    case "EXT-X-KEY":
    case "EXT-X-MAP": {
      const attributes = parseAttributes(tag.value, tag.line, tag.valueStart);
      const uri = attributes.get("URI");
      if (uri === undefined) {
        const isBare = tag.name !== "EXT-X-KEY" || attributes.size === 1;
        return isBare ? null : wholeLine(tag, NO_KEY);
      }
      const name = nameOf(uri.start);
      if (name === null) {
        // METHOD=NONE ends an encryption, whatever address stands beside it.
        const isNone = attributes.get("METHOD")?.value === "NONE";
        return wholeLine(tag, isNone ? NO_KEY : "");
      }
      const kept = [...attributes].filter(([attribute]) => KEPT_ATTRIBUTES.has(attribute));
      if (kept.length + 1 === attributes.size) {
        return { start: uri.start, end: uri.end, text: name };
      }
      const others = kept.map(
        ([attribute, { value, quoted }]) => `${attribute}=${quoted ? `"${value}"` : value},`,
      );
      return wholeLine(tag, `#${tag.name}:${others.join("")}URI="${name}"`);
    }
    case "EXTINF": {
      const title = tag.value.indexOf(",") + 1;
      const start = tag.valueStart + title;
      return title > 0 && SECRET.test(tag.value.slice(title))
        ? { start, end: tag.valueStart + tag.value.length, text: "" }
        : null;
    }
    default:
      return SECRET.test(tag.name) || SECRET.test(tag.value) || ADDRESS.test(tag.value)
        ? wholeLine(tag, "")
        : null;
  }
}

/** Of a tag with a value. */
function wholeLine({ name, value, valueStart }: TagLine, text: string): Edit {
  return { start: valueStart - name.length - "#:".length, end: valueStart + value.length, text };
}
