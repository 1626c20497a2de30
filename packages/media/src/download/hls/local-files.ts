import { startTurns } from "../../concurrency/event-loop-turns.ts";
import type { ByteRange, MediaPlaylist, PlaylistKey } from "../../hls/playlist.ts";
import { playlistError } from "../../hls/playlist-lines.ts";
import { planSegments, type SegmentPart } from "../../hls/segment-plan.ts";
import type { MediaClient } from "../../http/media-client.ts";

/** A segment or an init section, each distinct address and byte range once. */
export interface LocalPart {
  part: SegmentPart;
  /** Name without extension, which depends on what the bytes show: `00000`, `init-0`. */
  stem: string;
}

export interface LocalKey {
  key: PlaylistKey;
  /** Resolved and checked. */
  url: string;
  name: string;
}

/** What a copy of a media playlist is made of, and which reference of the playlist leads where. */
export interface LocalFiles {
  /** In the order of first use. */
  parts: readonly LocalPart[];
  keys: readonly LocalKey[];
  /** By the offset at which a URI begins in the playlist's text: the stem of a part. */
  stems: ReadonlyMap<number, string>;
  /** By the same: the name of a key. */
  keyNames: ReadonlyMap<number, string>;
}

/**
 * Gives every file behind a media playlist a local name: a number, which no playlist can aim elsewhere.
 *
 * @param base Address of the playlist after redirects.
 * @throws AppError `media_playlist_invalid` for a recording whose keys only a player's DRM can get; as `planSegments`
 *   does.
 */
export async function planLocalFiles(
  client: MediaClient,
  playlist: MediaPlaylist,
  base: URL,
  signal: AbortSignal,
): Promise<LocalFiles> {
  const plan = await planSegments(client, playlist, base, signal);
  const parts: LocalPart[] = [];
  const byAddress = new Map<string, Map<string, string>>();
  const counts = { segment: 0, init: 0 };

  function add(part: SegmentPart): void {
    const ranges = byAddress.get(part.file.url) ?? new Map<string, string>();
    byAddress.set(part.file.url, ranges);
    const range = rangeKey(part.byteRange);
    if (ranges.has(range)) {
      return;
    }
    const number = counts[part.kind];
    counts[part.kind] += 1;
    const stem = part.kind === "init" ? `init-${number}` : String(number).padStart(5, "0");
    ranges.set(range, stem);
    parts.push({ part, stem });
  }

  const turns = startTurns(signal);
  for (const part of plan.segments) {
    if (turns.isOver()) {
      await turns.next();
    }
    if (part.init !== null) {
      add(part.init);
    }
    add(part);
  }

  const stems = new Map<number, string>();
  const keys = new Map<string, LocalKey>();
  const keyNames = new Map<number, string>();
  const seenKeys = new Set<readonly PlaylistKey[]>();

  function refer(start: number, uri: string, range: ByteRange | null): void {
    const stem = byAddress.get(client.check(uri, base).href)?.get(rangeKey(range));
    if (stem !== undefined) {
      stems.set(start, stem);
    }
  }

  function referToKeys(inForce: readonly PlaylistKey[]): void {
    if (inForce.length === 0 || seenKeys.has(inForce)) {
      return;
    }
    seenKeys.add(inForce);
    const key = inForce.find(({ keyFormat }) => keyFormat === "identity");
    if (key === undefined) {
      throw playlistError(
        inForce[0]?.uri.line ?? null,
        "the recording is encrypted with keys that only a player's DRM can get, so a copy would be of no use",
      );
    }
    const url = client.check(key.uri.uri, base).href;
    const known = keys.get(url) ?? { key, url, name: `key-${keys.size}.key` };
    keys.set(url, known);
    keyNames.set(key.uri.start, known.name);
  }

  for (const { uri, byteRange, init, keys: inForce } of playlist.segments) {
    if (turns.isOver()) {
      await turns.next();
    }
    refer(uri.start, uri.uri, byteRange);
    referToKeys(inForce);
    if (init !== null && !stems.has(init.uri.start)) {
      refer(init.uri.start, init.uri.uri, init.byteRange);
      referToKeys(init.keys);
    }
  }
  return { parts, keys: [...keys.values()], stems, keyNames };
}

function rangeKey(range: ByteRange | null): string {
  return range === null ? "" : `${range.offset}+${range.length}`;
}
