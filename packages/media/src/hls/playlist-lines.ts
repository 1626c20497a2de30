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
      const colon = text.indexOf(":", start);
      const nameEnd = colon === -1 || colon > end ? end : colon;
      const valueStart = Math.min(nameEnd + 1, end);
      yield {
        kind: "tag",
        name: text.slice(start + 1, nameEnd),
        value: text.slice(valueStart, end),
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
