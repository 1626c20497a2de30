import { type Attribute, parseAttributes } from "../../hls/attribute-list.ts";
import type { LocatedPlaylists } from "../../hls/locate-playlists.ts";
import { playlistError, readLines } from "../../hls/playlist-lines.ts";
import type { MediaClient } from "../../http/media-client.ts";

/**
 * Refuses a master playlist whose chosen variant gets its sound or picture from a playlist of its own (EXT-X-MEDIA with a
 * URI; RFC 8216, 4.3.4.1): a copy of the variant alone would be silent or black and pass for whole. Subtitles, other
 * variants and trick play are left out of a copy without a word.
 *
 * @throws AppError `media_playlist_invalid`.
 */
export function refuseSeparateRenditions(client: MediaClient, { master }: LocatedPlaylists): void {
  if (master === null) {
    return;
  }
  const { playlist, variant } = master;
  let groups = new Map<string, string | undefined>();
  const renditions: { line: number; attributes: ReadonlyMap<string, Attribute> }[] = [];
  for (const line of readLines(playlist.text)) {
    if (line.kind === "uri") {
      if (line.line === variant.uri.line) {
        break;
      }
      groups = new Map();
    } else if (line.name === "EXT-X-STREAM-INF") {
      const attributes = parseAttributes(line.value, line.line, line.valueStart);
      groups = new Map(TYPES.map((type) => [type, attributes.get(type)?.value]));
    }
  }
  for (const line of readLines(playlist.text)) {
    if (line.kind === "tag" && line.name === "EXT-X-MEDIA") {
      const attributes = parseAttributes(line.value, line.line, line.valueStart);
      renditions.push({ line: line.line, attributes });
    }
  }
  for (const { line, attributes } of renditions) {
    const type = attributes.get("TYPE")?.value ?? "";
    const group = attributes.get("GROUP-ID")?.value;
    const uri = attributes.get("URI")?.value;
    if (group !== undefined && groups.get(type) === group && uri !== undefined) {
      // A variant of sound alone may name its own playlist.
      const own = client.check(variant.uri.uri, master.base).href;
      if (client.check(uri, master.base).href !== own) {
        throw playlistError(
          line,
          `${type} is in a playlist of its own, and copies of such recordings are not supported`,
        );
      }
    }
  }
}

const TYPES = ["AUDIO", "VIDEO"];
