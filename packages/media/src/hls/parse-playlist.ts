import { parseMasterPlaylist } from "./master-playlist.ts";
import { parseMediaPlaylist } from "./media-playlist.ts";
import { MAX_PLAYLIST_BYTES, type Playlist } from "./playlist.ts";
import { decodePlaylist, playlistError, type PlaylistLine, readLines } from "./playlist-lines.ts";

const MEDIA_TAGS: ReadonlySet<string> = new Set([
  "EXTINF",
  "EXT-X-TARGETDURATION",
  "EXT-X-MEDIA-SEQUENCE",
  "EXT-X-DISCONTINUITY-SEQUENCE",
  "EXT-X-ENDLIST",
  "EXT-X-PLAYLIST-TYPE",
  "EXT-X-I-FRAMES-ONLY",
  "EXT-X-BYTERANGE",
  "EXT-X-DISCONTINUITY",
  "EXT-X-KEY",
  "EXT-X-MAP",
  "EXT-X-GAP",
]);
const MASTER_TAGS: ReadonlySet<string> = new Set([
  "EXT-X-MEDIA",
  "EXT-X-STREAM-INF",
  "EXT-X-I-FRAME-STREAM-INF",
  "EXT-X-SESSION-DATA",
  "EXT-X-SESSION-KEY",
]);
/** Tags that hide URIs or segments from a reader that does not act on them: to skip them would be to miss media. */
const UNREADABLE_TAGS: ReadonlySet<string> = new Set(["EXT-X-DEFINE", "EXT-X-SKIP"]);

/**
 * Reads a playlist (RFC 8216) of a finished recording, master or media. It refuses whatever makes it unclear what was
 * recorded, and lets pass what does not: unknown tags and comments, a byte order mark, segments longer than the target
 * duration. A missing EXT-X-ENDLIST is no error here.
 *
 * Bounded: 4 MiB of text, 100,000 segments, 1,000 variants, 1,000 other URIs of a master playlist.
 *
 * @throws AppError `media_playlist_invalid` that names the line.
 */
export function parsePlaylist(bytes: Uint8Array): Playlist {
  if (bytes.length > MAX_PLAYLIST_BYTES) {
    throw playlistError(null, `it is larger than ${MAX_PLAYLIST_BYTES} bytes`);
  }
  const text = decodePlaylist(bytes);
  // Walked twice rather than kept: four million bytes of short lines would be hundreds of megabytes of objects.
  return kindOf(readLines(text)) === "master"
    ? parseMasterPlaylist(readLines(text), text)
    : parseMediaPlaylist(readLines(text), text);
}

function kindOf(lines: Iterable<PlaylistLine>): "master" | "media" {
  let kind: "master" | "media" | null = null;
  let started = false;
  for (const item of lines) {
    if (!started && !(item.kind === "tag" && item.name === "EXTM3U" && item.line === 1)) {
      break;
    }
    started = true;
    if (item.kind !== "tag") {
      continue;
    }
    if (UNREADABLE_TAGS.has(item.name)) {
      throw playlistError(item.line, `${item.name} is not supported`);
    }
    const here = MASTER_TAGS.has(item.name) ? "master" : MEDIA_TAGS.has(item.name) ? "media" : null;
    if (here !== null && kind !== null && here !== kind) {
      throw playlistError(item.line, `${item.name} does not belong into a ${kind} playlist`);
    }
    kind ??= here;
  }
  if (!started) {
    throw playlistError(1, "it is not #EXTM3U");
  }
  if (kind === null) {
    throw playlistError(null, "it has no tag of a media or a master playlist");
  }
  return kind;
}
