import { AppError } from "@reelgate/shared/errors";
import type { DeclaredMedia, Finding, Media, MediaReport } from "@reelgate/shared/contract/media";
import { describeUrl } from "../http/describe-url.ts";
import { knownSizeBytes } from "../http/known-size.ts";
import type { MediaClient, Prefix } from "../http/media-client.ts";
import {
  checkSegments,
  type SegmentCheckOptions,
  type SegmentCheckResult,
} from "./check-segments.ts";
import { startTurns } from "./event-loop-turns.ts";
import { parsePlaylist } from "./parse-playlist.ts";
import {
  MAX_PLAYLIST_BYTES,
  type MasterPlaylist,
  type MediaPlaylist,
  type Playlist,
} from "./playlist.ts";
import { listSegmentFiles } from "./segment-plan.ts";

/** A duration may differ by 2 s or 1 %, whichever is more: the provider counts stream time, EXTINF is rounded. */
const DURATION_TOLERANCE_S = 2;
const RELATIVE_TOLERANCE = 0.01;

interface LocatedPlaylist<P extends Playlist> {
  playlist: P;
  url: URL;
  sizeBytes: number;
}

/**
 * Looks at an HLS recording: its playlist (of a master playlist the variant of the highest bandwidth), and whether the
 * files are there that the playlist names.
 *
 * @param first What was read of the URL so far; read again as a whole when it is only the beginning.
 */
export async function indexHls(
  client: MediaClient,
  url: URL,
  first: Prefix,
  declared: DeclaredMedia,
  options: SegmentCheckOptions,
): Promise<MediaReport> {
  const top = await locate(client, url, first, options.signal);
  const { media, variants } = await chooseMedia(client, top, options.signal);
  const { playlist } = media;
  const files = await listSegmentFiles(client, playlist, media.url, options.signal);
  const segments = await checkSegments(client, files, options);
  const durationS = totalDurationS(playlist);
  const report: Media = {
    container: "hls",
    durationS,
    durationIsExact: true,
    sizeBytes: segments.sizeBytes,
    bitrateKbps: bitrateKbps(segments.sizeBytes, durationS),
    video: null,
    audio: null,
    hls: {
      segmentCount: playlist.segments.length,
      targetDurationS: playlist.targetDurationS,
      encrypted: playlist.segments.some((segment) => segment.keys.length > 0),
      variants,
    },
  };
  const playlistBytes = top.sizeBytes + (media.url.href === top.url.href ? 0 : media.sizeBytes);
  return {
    media: report,
    findings: [
      ...playlistFindings(playlist, durationS, declared),
      ...segments.findings,
      ...sizeFindings(segments, playlistBytes, variants, declared),
    ],
  };
}

async function locate(
  client: MediaClient,
  url: URL,
  first: Prefix,
  signal: AbortSignal,
): Promise<LocatedPlaylist<Playlist>> {
  const prefix =
    first.totalSizeBytes === first.bytes.length
      ? first
      : await client.readPrefix(url, MAX_PLAYLIST_BYTES + 1, signal);
  return parseWhole(prefix);
}

function parseWhole(prefix: Prefix): LocatedPlaylist<Playlist> {
  const { bytes, finalUrl: url } = prefix;
  // A playlist that goes on beyond what came would lose its last segments unnoticed; a longer one is refused anyway.
  if (bytes.length <= MAX_PLAYLIST_BYTES) {
    knownSizeBytes(prefix);
  }
  return { playlist: parsePlaylist(bytes), url, sizeBytes: bytes.length };
}

async function chooseMedia(
  client: MediaClient,
  top: LocatedPlaylist<Playlist>,
  signal: AbortSignal,
): Promise<{ media: LocatedPlaylist<MediaPlaylist>; variants: number }> {
  const { playlist } = top;
  if (playlist.kind === "media") {
    return { media: { ...top, playlist }, variants: 0 };
  }
  const url = await chosenVariantUrl(client, playlist, top.url, signal);
  const variant = parseWhole(await client.readPrefix(url, MAX_PLAYLIST_BYTES + 1, signal));
  if (variant.playlist.kind === "master") {
    throw new AppError("media_playlist_invalid", {
      message: `${describeUrl(url)}: a variant is itself a master playlist.`,
    });
  }
  return {
    media: { ...variant, playlist: variant.playlist },
    variants: playlist.variants.length,
  };
}

async function chosenVariantUrl(
  client: MediaClient,
  { variants, otherUris }: MasterPlaylist,
  base: URL,
  signal: AbortSignal,
): Promise<URL> {
  const turns = startTurns(signal);
  for (const { uri } of [...otherUris, ...variants.map((variant) => variant.uri)]) {
    if (turns.isOver()) {
      await turns.next();
    }
    client.check(uri, base);
  }
  const best = variants.reduce((a, b) => (b.bandwidth > a.bandwidth ? b : a));
  return client.check(best.uri.uri, base);
}

function playlistFindings(
  playlist: MediaPlaylist,
  durationS: number,
  declared: DeclaredMedia,
): readonly Finding[] {
  const findings: Finding[] = [];
  if (!playlist.ended) {
    findings.push({
      kind: "missing_endlist",
      declared: null,
      actual: null,
      detail:
        "The playlist has no EXT-X-ENDLIST: the recording is not finished, or its end is cut off.",
    });
  }
  if (playlist.segments.length === 0) {
    findings.push({
      kind: "empty_file",
      declared: declared.sizeBytes,
      actual: 0,
      detail: "The playlist names no segment.",
    });
  }
  const toleranceS = Math.max(DURATION_TOLERANCE_S, declared.durationS * RELATIVE_TOLERANCE);
  if (Math.abs(durationS - declared.durationS) > toleranceS) {
    findings.push({
      kind: "duration_mismatch",
      declared: declared.durationS,
      actual: durationS,
      detail: `The segments last ${durationS} s together; ${declared.durationS} s were declared.`,
    });
  }
  return findings;
}

/**
 * What `file_size` counts for HLS is not specified: the segments with or without the playlists pass, within 1 %. With
 * several variants it is not even clear which of them it counts, so nothing is compared.
 */
function sizeFindings(
  segments: SegmentCheckResult,
  playlistBytes: number,
  variants: number,
  declared: DeclaredMedia,
): readonly Finding[] {
  const { sizeBytes } = segments;
  if (sizeBytes === null || variants > 1) {
    return [];
  }
  const tolerance = declared.sizeBytes * RELATIVE_TOLERANCE;
  const accepted = [sizeBytes, sizeBytes + playlistBytes];
  if (accepted.some((size) => Math.abs(size - declared.sizeBytes) <= tolerance)) {
    return [];
  }
  return [
    {
      kind: "size_mismatch",
      declared: declared.sizeBytes,
      actual: sizeBytes,
      detail: `The segments have ${sizeBytes} bytes together; ${declared.sizeBytes} were declared.`,
    },
  ];
}

function totalDurationS(playlist: MediaPlaylist): number {
  const sum = playlist.segments.reduce((total, segment) => total + segment.durationS, 0);
  // EXTINF has at most microseconds in practice; what lies below is the noise of adding.
  return Math.round(sum * 1e6) / 1e6;
}

function bitrateKbps(sizeBytes: number | null, durationS: number): number | null {
  return sizeBytes === null || durationS === 0
    ? null
    : Math.round((sizeBytes * 8) / durationS / 1000);
}
