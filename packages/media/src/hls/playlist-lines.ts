import { AppError } from "@reelgate/shared/errors";

/** One line that says something. Blank lines and comments are left out. Offsets as in `UriReference`. */
export type PlaylistLine =
  | { kind: "tag"; name: string; value: string; line: number; valueStart: number }
  | { kind: "uri"; uri: string; line: number; start: number; end: number };

/**
 * Decodes a playlist.
 *
 * @throws AppError `media_playlist_invalid` when the bytes are no UTF-8 (RFC 8216, 4.1 demands it).
 */
export function decodePlaylist(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw playlistError(null, "the text is not UTF-8");
  }
}

/** Walks the lines of a playlist once. Lines end in LF or CRLF (RFC 8216, 4.1). */
export function* readLines(text: string): Generator<PlaylistLine, void, undefined> {
  let line = 0;
  for (let lineStart = 0; lineStart < text.length;) {
    line += 1;
    const lineFeed = text.indexOf("\n", lineStart);
    const lineEnd = lineFeed === -1 ? text.length : lineFeed;
    // Spaces around a line are dropped: no URI and no tag begins or ends with one.
    let start = lineStart;
    let end = lineEnd;
    while (end > start && isBlank(text.charCodeAt(end - 1))) {
      end -= 1;
    }
    while (start < end && isBlank(text.charCodeAt(start))) {
      start += 1;
    }
    lineStart = lineEnd + 1;
    if (start === end) {
      continue;
    }
    if (text.charCodeAt(start) !== HASH) {
      yield { kind: "uri", uri: text.slice(start, end), line, start, end };
    } else if (text.startsWith("#EXT", start)) {
      // The colon is looked for in the line alone: a search through the rest of the text made lines without one cost
      // the square of their number.
      const tag = text.slice(start, end);
      const colon = tag.indexOf(":");
      const nameLength = colon === -1 ? tag.length : colon;
      const valueStart = Math.min(start + nameLength + 1, end);
      yield {
        kind: "tag",
        name: tag.slice(1, nameLength),
        value: tag.slice(nameLength + 1),
        line,
        valueStart,
      };
    }
  }
}

const HASH = 0x23;

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d;
}

/** The error of a playlist that cannot be trusted. `line` from 1, or null when it is about the whole. */
export function playlistError(line: number | null, problem: string): AppError {
  return new AppError("media_playlist_invalid", {
    message:
      line === null ? `The playlist: ${problem}.` : `Line ${line} of the playlist: ${problem}.`,
  });
}
