import { setImmediate } from "node:timers/promises";
import type { MediaClient } from "../http/media-client.ts";
import type { ByteRange, MediaPlaylist } from "./playlist.ts";

/** One file that the playlist draws on, with every part of it that is used. */
export interface SegmentFile {
  url: URL;
  /** What it is, for findings: "Segment 3 of 10". */
  role: string;
  /** The whole file is a segment or an init section. */
  whole: boolean;
  /** Distinct ranges of it that are segments or init sections. */
  ranges: readonly ByteRange[];
  /** The playlist itself says that it is absent (EXT-X-GAP). */
  gap: boolean;
}

/** Segments after which other work gets its turn: resolving 100,000 addresses takes about a second. */
const SEGMENTS_PER_TURN = 2000;

interface GrowingFile extends SegmentFile {
  ranges: ByteRange[];
}

/**
 * Every file behind a media playlist, each once, in the order in which they first appear. Resolves every URI of the
 * playlist, keys too, and puts it through the guard.
 *
 * @param base Address of the playlist after redirects.
 * @throws AppError `media_url_forbidden`; the reason of the signal when that aborts.
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

  function add(uri: string, role: string, byteRange: ByteRange | null, gap: boolean): void {
    const url = client.check(uri, base);
    let file = files.get(url.href);
    if (file === undefined) {
      file = { url, role, whole: false, ranges: [], gap: true };
      files.set(url.href, file);
    }
    file.gap &&= gap;
    if (byteRange === null) {
      file.whole = true;
      return;
    }
    const rangeKey = `${byteRange.offset}+${byteRange.length} ${url.href}`;
    if (!knownRanges.has(rangeKey)) {
      knownRanges.add(rangeKey);
      file.ranges.push(byteRange);
    }
  }

  for (const [index, segment] of playlist.segments.entries()) {
    if (index % SEGMENTS_PER_TURN === SEGMENTS_PER_TURN - 1) {
      await setImmediate();
      signal.throwIfAborted();
    }
    for (const { uri } of segment.keys) {
      if (!checkedKeys.has(uri.uri)) {
        client.check(uri.uri, base);
        checkedKeys.add(uri.uri);
      }
    }
    if (segment.init !== null && segment.init !== playlist.segments[index - 1]?.init) {
      add(segment.init.uri.uri, "Init section", segment.init.byteRange, false);
    }
    const role = `Segment ${index + 1} of ${playlist.segments.length}`;
    add(segment.uri.uri, role, segment.byteRange, segment.gap);
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
