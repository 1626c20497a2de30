import { playlistError } from "./playlist-lines.ts";

/** One attribute. Offsets of the value without its quotes, as in `UriReference`. */
export interface Attribute {
  value: string;
  quoted: boolean;
  start: number;
  end: number;
}

const NAME = /[ \t]*([A-Z0-9-]{1,64})[ \t]*=[ \t]*/y;
const QUOTED = /"([^"]*)"/y;
const BARE = /[^",]*/y;
const SEPARATOR = /[ \t]*(?:,|$)/y;

/**
 * Parses an attribute list (RFC 8216, 4.2). Spaces around `,` and `=`, which some packagers write, are tolerated.
 *
 * @param valueStart Offset of `text` in the playlist.
 * @throws AppError `media_playlist_invalid` for a malformed list or a repeated name.
 */
export function parseAttributes(
  text: string,
  line: number,
  valueStart: number,
): ReadonlyMap<string, Attribute> {
  const attributes = new Map<string, Attribute>();
  let position = 0;
  while (position < text.length) {
    const name = matchAt(NAME, text, position);
    if (name?.[1] === undefined) {
      throw playlistError(line, "the attribute list is malformed");
    }
    position += name[0].length;
    const quoted = matchAt(QUOTED, text, position);
    const value = quoted ?? matchAt(BARE, text, position);
    const content = quoted?.[1] ?? value?.[0].trimEnd() ?? "";
    const contentStart = valueStart + position + (quoted === null ? 0 : 1);
    position += value?.[0].length ?? 0;
    const separator = matchAt(SEPARATOR, text, position);
    if (separator === null) {
      throw playlistError(line, `the value of the attribute ${name[1]} is malformed`);
    }
    position += separator[0].length;
    if (attributes.has(name[1])) {
      throw playlistError(line, `the attribute ${name[1]} is given twice`);
    }
    attributes.set(name[1], {
      value: content,
      quoted: quoted !== null,
      start: contentStart,
      end: contentStart + content.length,
    });
  }
  return attributes;
}

function matchAt(pattern: RegExp, text: string, position: number): RegExpExecArray | null {
  pattern.lastIndex = position;
  return pattern.exec(text);
}
