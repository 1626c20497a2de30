import type { MediaClient } from "../http/media-client.ts";
import { startTurns } from "./event-loop-turns.ts";
import type { ByteRange, MediaPlaylist, UriReference } from "./playlist.ts";
import { playlistError } from "./playlist-lines.ts";

/** One file that the playlist draws on, with every part of it that is used. */
export interface SegmentFile {
  /** Resolved and checked. Text, since 100,000 URL objects are several times as large. */
  url: string;
  /** What it is, for findings: "Segment 3 of 10". */
  role: string;
  /** The whole file is a segment or an init section. */
  whole: boolean;
  /** Distinct ranges of it that are segments or init sections. */
  ranges: readonly ByteRange[];
  /** The playlist itself says that it is absent (EXT-X-GAP). */
  gap: boolean;
}

/**
 * All addresses together: 671 characters for each of 100,000 segments. A playlist of 4 MiB only comes to more by an
 * address of its own that is made long for it.
 */
const MAX_ADDRESS_CHARS = 67_108_864;

interface GrowingFile extends SegmentFile {
  ranges: ByteRange[];
  number: number;
}

/**
 * Every file behind a media playlist, each once, in the order in which they first appear. Resolves every URI of the
 * playlist, keys too, and puts it through the guard.
 *
 * @param base Address of the playlist after redirects.
 * @throws AppError `media_url_forbidden`; `media_playlist_invalid` when the addresses are too long together; the
 *   reason of the signal when that aborts.
 */
export async function listSegmentFiles(
  client: MediaClient,
  playlist: MediaPlaylist,
  base: URL,
  signal: AbortSignal,
): Promise<readonly SegmentFile[]> {
  const files = new Map<string, GrowingFile>();
  const knownRanges = new Set<string>();
  const checkedKeys = new Set<string>();
  const turns = startTurns(signal);
  let addressChars = 0;

  function add(
    { uri, line }: UriReference,
    role: string,
    byteRange: ByteRange | null,
    gap: boolean,
  ): void {
    const url = client.check(uri, base).href;
    let file = files.get(url);
    if (file === undefined) {
      addressChars += url.length;
      if (addressChars > MAX_ADDRESS_CHARS) {
        throw playlistError(line, "the addresses of its files are too long together");
      }
      file = { url, role, whole: false, ranges: [], gap: true, number: files.size };
      files.set(url, file);
    }
    file.gap &&= gap;
    if (byteRange === null) {
      file.whole = true;
      return;
    }
    const rangeKey = `${byteRange.offset}+${byteRange.length} ${file.number}`;
    if (!knownRanges.has(rangeKey)) {
      knownRanges.add(rangeKey);
      file.ranges.push(byteRange);
    }
  }

  for (const [index, segment] of playlist.segments.entries()) {
    if (turns.isOver()) {
      await turns.next();
    }
    for (const { uri } of segment.keys) {
      if (!checkedKeys.has(uri.uri)) {
        client.check(uri.uri, base);
        checkedKeys.add(uri.uri);
      }
    }
    if (segment.init !== null && segment.init !== playlist.segments[index - 1]?.init) {
      add(segment.init.uri, "Init section", segment.init.byteRange, false);
    }
    const role = `Segment ${index + 1} of ${playlist.segments.length}`;
    add(segment.uri, role, segment.byteRange, segment.gap);
  }
  return [...files.values()];
}

/** The indexes of `count` files to check when not all are: the first, the last, and `between` more evenly spread. */
export function sampleIndexes(count: number, between: number): readonly number[] {
  const steps = between + 1;
  const indexes = Array.from({ length: steps + 1 }, (_, step) =>
    Math.round((step * (count - 1)) / steps),
  );
  return [...new Set(indexes.filter((index) => index >= 0 && index < count))];
}

/** The size that a file must at least have for its ranges to be there. */
export function neededBytes(file: SegmentFile): number {
  return file.ranges.reduce((most, range) => Math.max(most, range.offset + range.length), 0);
}
