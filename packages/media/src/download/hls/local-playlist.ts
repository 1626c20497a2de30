import { parseAttributes } from "../../hls/attribute-list.ts";
import { startTurns } from "../../hls/event-loop-turns.ts";
import { type PlaylistLine, readLines } from "../../hls/playlist-lines.ts";

/** Replaces the text from `start` to `end` (UTF-16 code units, end exclusive). */
interface Edit {
  start: number;
  end: number;
  text: string;
}

type TagLine = Extract<PlaylistLine, { kind: "tag" }>;

/** Tags whose text is for people or clocks: whatever stands in there, no player fetches it. */
const PLAIN_TAGS: ReadonlySet<string> = new Set(["EXTINF", "EXT-X-PROGRAM-DATE-TIME"]);
/**
 * What may make a player go elsewhere: an attribute such as URI, X-ASSET-URI and X-ASSET-LIST (of parts, previews,
 * renditions and interstitials), or any absolute address.
 */
const ADDRESS = /:\/\/|(?:URI|URL|LIST)[ \t]*=/i;

/**
 * The text of a media playlist that names local files in place of remote ones. Everything that no name depends on stays
 * as it was served. What else changes, and why:
 *
 * - Every byte range is a file of its own, so EXT-X-BYTERANGE and the BYTERANGE of EXT-X-MAP are taken out.
 * - A tag with an address that is not part of the copy is taken out, its line left blank: keys that no segment is
 *   encrypted with, session keys, parts of segments, interstitials. A copy must not make a player call the origin.
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
  for (const line of readLines(text)) {
    if (turns.isOver()) {
      await turns.next();
    }
    const edit = line.kind === "uri" ? editOfUri(line, nameOf) : editOfTag(line, nameOf);
    if (edit !== null) {
      pieces.push(text.slice(position, edit.start), edit.text);
      position = edit.end;
    }
  }
  pieces.push(text.slice(position));
  return pieces.join("");
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
        return null;
      }
      const name = nameOf(uri.start);
      if (name === null) {
        // METHOD=NONE ends an encryption, whatever address stands beside it.
        const isNone = attributes.get("METHOD")?.value === "NONE";
        return wholeLine(tag, isNone ? "#EXT-X-KEY:METHOD=NONE" : "");
      }
      return attributes.has("BYTERANGE")
        ? wholeLine(tag, `#${tag.name}:URI="${name}"`)
        : { start: uri.start, end: uri.end, text: name };
    }
    default:
      return PLAIN_TAGS.has(tag.name) || !ADDRESS.test(tag.value) ? null : wholeLine(tag, "");
  }
}

/** Of a tag with a value. */
function wholeLine({ name, value, valueStart }: TagLine, text: string): Edit {
  return { start: valueStart - name.length - "#:".length, end: valueStart + value.length, text };
}
