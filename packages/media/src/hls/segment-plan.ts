import type { MediaClient } from "../http/media-client.ts";
import { startTurns } from "../concurrency/event-loop-turns.ts";
import type { ByteRange, MediaPlaylist, PlaylistKey, UriReference } from "./playlist.ts";
import { playlistError } from "./playlist-lines.ts";

/** Whether every segment is checked, or the first, the last and eight between. */
export type SegmentSelection = "all" | "sample";

/** One file that the playlist draws on. */
export interface SegmentFile {
  /** Resolved and checked. Text, since 100,000 URL objects are several times as large. */
  readonly url: string;
  /** The whole file is a segment or an init section. */
  readonly isWhole: boolean;
  /** Bytes of its distinct ranges together; 0 without any. */
  readonly rangeBytes: number;
  /** The size that it must at least have for its ranges to be there. */
  readonly neededBytes: number;
}

/** A segment or an init section: a file or a range of one. */
export interface SegmentPart {
  readonly kind: "segment" | "init";
  readonly file: SegmentFile;
  /** What it is, for findings: "Segment 3 of 10". */
  readonly role: string;
  readonly byteRange: ByteRange | null;
  /** The playlist itself says that it is absent (EXT-X-GAP). */
  readonly isGap: boolean;
  readonly keys: readonly PlaylistKey[];
  /** Media sequence number, the IV where a key gives none; of an init section that of its first segment. */
  readonly sequence: number;
  /** The init section of a segment that has one; null for an init section. */
  readonly init: SegmentPart | null;
  /** How long the playlist says that it plays; 0 for an init section. */
  readonly durationS: number;
  /** The segment whose end this one goes on from; null behind a discontinuity or where the playlist repeats itself. */
  readonly follows: SegmentPart | null;
}

/** Everything behind a media playlist, each file, range and init section once, in the order of first use. */
export interface SegmentPlan {
  readonly files: readonly SegmentFile[];
  readonly segments: readonly SegmentPart[];
}

/**
 * All addresses together: 671 characters for each of 100,000 segments. A playlist of 4 MiB only comes to more by an
 * address of its own that is made long for it.
 */
const MAX_ADDRESS_CHARS = 67_108_864;

type Growing<T> = { -readonly [K in keyof T]: T[K] };
type GrowingPart = Growing<SegmentPart>;
interface GrowingFile extends Growing<SegmentFile> {
  number: number;
  whole: GrowingPart | null;
}

/**
 * Resolves every URI of the playlist, keys too, and puts it through the guard.
 *
 * @param base Address of the playlist after redirects.
 * @throws AppError `media_url_forbidden`; `media_playlist_invalid` when the addresses are too long together; the
 *   reason of the signal when that aborts.
 */
export async function planSegments(
  client: MediaClient,
  playlist: MediaPlaylist,
  base: URL,
  signal: AbortSignal,
): Promise<SegmentPlan> {
  const files = new Map<string, GrowingFile>();
  const ranges = new Map<string, GrowingPart>();
  const segments: SegmentPart[] = [];
  const checkedKeys = new Set<string>();
  const turns = startTurns(signal);
  let addressChars = 0;

  function fileAt({ uri, line }: UriReference): GrowingFile {
    const url = client.check(uri, base).href;
    let file = files.get(url);
    if (file === undefined) {
      addressChars += url.length;
      if (addressChars > MAX_ADDRESS_CHARS) {
        throw playlistError(line, "the addresses of its files are too long together");
      }
      const number = files.size;
      file = { url, isWhole: false, rangeBytes: 0, neededBytes: 0, number, whole: null };
      files.set(url, file);
    }
    return file;
  }

  /** The part, and whether it is a new one. */
  function add(uri: UriReference, rest: Omit<SegmentPart, "file">): [SegmentPart, boolean] {
    const file = fileAt(uri);
    const { byteRange } = rest;
    const rangeKey =
      byteRange === null ? null : `${byteRange.offset}+${byteRange.length} ${file.number}`;
    const known = rangeKey === null ? file.whole : ranges.get(rangeKey);
    if (known !== null && known !== undefined) {
      known.isGap &&= rest.isGap;
      return [known, false];
    }
    const part = { file, ...rest };
    if (byteRange === null || rangeKey === null) {
      file.isWhole = true;
      file.whole = part;
    } else {
      ranges.set(rangeKey, part);
      file.rangeBytes += byteRange.length;
      file.neededBytes = Math.max(file.neededBytes, byteRange.offset + byteRange.length);
    }
    return [part, true];
  }

  let init: SegmentPart | null = null;
  let before: SegmentPart | null = null;
  for (const [index, segment] of playlist.segments.entries()) {
    if (turns.isOver()) {
      await turns.next();
    }
    const { sequence, keys, byteRange, gap, durationS } = segment;
    for (const { uri, keyFormat } of [...keys, ...(segment.init?.keys ?? [])]) {
      // Of the others nothing is ever asked: skd:// and data: are no addresses.
      if (keyFormat === "identity" && !checkedKeys.has(uri.uri)) {
        client.check(uri.uri, base);
        checkedKeys.add(uri.uri);
      }
    }
    if (segment.init !== null && segment.init !== playlist.segments[index - 1]?.init) {
      const { uri, ...section } = segment.init;
      const rest = { role: "Init section", isGap: false, sequence, init: null, ...section };
      [init] = add(uri, { kind: "init", durationS: 0, follows: null, ...rest });
    }
    const role = `Segment ${index + 1} of ${playlist.segments.length}`;
    const follows = segment.discontinuity ? null : before;
    const rest = { role, byteRange, isGap: gap, keys, sequence, init, durationS, follows };
    const [part, isNew] = add(segment.uri, { kind: "segment", ...rest });
    if (isNew) {
      segments.push(part);
    }
    before = isNew ? part : null;
  }
  return { files: [...files.values()], segments };
}

/** The indexes of `count` segments to check when not all are: the first, the last, and `between` more evenly spread. */
export function sampleIndexes(count: number, between: number): readonly number[] {
  const steps = between + 1;
  const indexes = Array.from({ length: steps + 1 }, (_, step) =>
    Math.round((step * (count - 1)) / steps),
  );
  return [...new Set(indexes.filter((index) => index >= 0 && index < count))];
}
