import { nameFifty } from "./named-findings.ts";
import type { Finding, MediaReport } from "@reelgate/shared/contract/media";
import type { MediaClient, Prefix } from "../http/media-client.ts";
import { meanBitrateKbps } from "../report/bitrate.ts";
import { type Declared, durationFindings } from "../report/compare-declared.ts";
import { checkSize } from "./check-head.ts";
import { type CheckOptions, checkParts, type PartState } from "./check-segments.ts";
import { describeSegment, type SegmentDetails } from "./describe-segment.ts";
import { locatePlaylists } from "./locate-playlists.ts";
import type { MediaPlaylist } from "./playlist.ts";
import { segmentFindings, uncheckedFindings } from "./segment-findings.ts";
import { createSegmentKeys } from "./segment-keys.ts";
import {
  planSegments,
  sampleIndexes,
  type SegmentFile,
  type SegmentPart,
  type SegmentPlan,
  type SegmentSelection,
} from "./segment-plan.ts";
import type { SegmentProblem } from "./segment-problems.ts";
import { checkSuspectEnds } from "./suspect-ends.ts";

export interface IndexHlsOptions extends CheckOptions {
  segments: SegmentSelection;
}

/** What "all" means at most: so many segments are checked one by one, of more the sample. */
const MAX_CHECKED_SEGMENTS = 10_000;
const SAMPLES_BETWEEN = 8;
const SIZE_TOLERANCE = 0.01;

/**
 * Looks at an HLS recording: its playlist (of a master playlist the variant of the highest bandwidth), whether the segments
 * are there that it names and look like media (decrypted, where they are encrypted), and what is in the first of them.
 * One request for each segment that is checked, one for each key, and two for the ends of segments that are suspiciously
 * small.
 *
 * The size is that of all segments and init sections; null unless every one was checked and found whole. It may differ
 * from the declared one by 1 %.
 *
 * @param first What was read of the URL so far; read again as a whole when it is only the beginning.
 * @throws AppError of the media codes; the reason of the signal.
 */
export async function indexHls(
  client: MediaClient,
  url: URL,
  first: Prefix,
  declared: Declared,
  options: IndexHlsOptions,
): Promise<MediaReport> {
  const { signal } = options;
  const { playlist, base, variants, playlistBytes } = await locatePlaylists(
    client,
    url,
    first,
    signal,
  );
  const plan = await planSegments(client, playlist, base, signal);
  const keys = createSegmentKeys(client, base);
  const chosen = chooseSegments(plan, options.segments);
  const parts = withInitSections(chosen);
  const seen = await checkParts(client, parts, keys, options);
  const ends = await checkSuspectEnds(client, plan, seen, keys, options);
  const states = seen.map((state) => withProblem(state, ends.get(state.part) ?? null));
  const asked = plan.segments.filter(({ isGap }) => !isGap);
  const sizeBytes = chosen.length === asked.length ? totalBytes(plan, states) : null;
  const details = await describeFirst(client, states, signal);
  const durationS = totalDurationS(playlist);
  return {
    media: {
      container: "hls",
      durationS,
      durationIsExact: true,
      sizeBytes,
      bitrateKbps: meanBitrateKbps(sizeBytes, durationS),
      video: details.video,
      audio: details.audio,
      hls: {
        segmentCount: playlist.segments.length,
        targetDurationS: playlist.targetDurationS,
        encrypted: playlist.segments.some((segment) => segment.keys.length > 0),
        variants,
      },
    },
    findings: [
      ...playlistFindings(playlist, declared),
      ...durationFindings("The segments last together", durationS, true, declared),
      ...nameFifty(keys.findings(), 0, "keys are missing"),
      ...segmentFindings(inOrder(plan, states)),
      ...uncheckedFindings(states, asked.length),
      ...detailFindings(details),
      ...sizeFindings(sizeBytes, playlistBytes, variants, declared),
    ],
  };
}

function withProblem(state: PartState, problem: SegmentProblem | null): PartState {
  return problem === null || state.kind === "missing" ? state : { ...state, problem };
}

function chooseSegments(
  { segments }: SegmentPlan,
  selection: SegmentSelection,
): readonly SegmentPart[] {
  const there = segments.filter(({ isGap }) => !isGap);
  return selection === "all" && there.length <= MAX_CHECKED_SEGMENTS
    ? there
    : sampleIndexes(there.length, SAMPLES_BETWEEN).flatMap((index) => there[index] ?? []);
}

/** Each segment behind the init section that it needs; each of these once. */
function withInitSections(segments: readonly SegmentPart[]): readonly SegmentPart[] {
  return [
    ...new Set(segments.flatMap((part) => (part.init === null ? [part] : [part.init, part]))),
  ];
}

/** Sizes of the files that were asked for; null where the origin does not tell them. */
function fileSizes(states: readonly PartState[]): ReadonlyMap<SegmentFile, number | null> {
  const sizes = new Map<SegmentFile, number | null>();
  for (const state of states) {
    if (state.kind === "present") {
      sizes.set(state.part.file, state.fileSizeBytes);
    }
  }
  return sizes;
}

/** Bytes of the whole recording as they are there; null when a part is missing or of unknown size. */
function totalBytes({ files, segments }: SegmentPlan, states: readonly PartState[]): number | null {
  if (segments.some(({ isGap }) => isGap)) {
    return null;
  }
  const sizes = fileSizes(states);
  let total = 0;
  for (const file of files) {
    const fileBytes = sizes.get(file) ?? null;
    if (fileBytes === null || fileBytes < file.neededBytes) {
      return null;
    }
    total += file.isWhole ? fileBytes : file.rangeBytes;
  }
  return total;
}

/**
 * What is known of each part in the order of the playlist: of gaps too, and of ranges that were not asked for but belong
 * to a file whose size is known.
 */
function* inOrder(
  { segments }: SegmentPlan,
  states: readonly PartState[],
): Generator<PartState, void, undefined> {
  const known = new Map(states.map((state) => [state.part, state]));
  const sizes = fileSizes(states);
  const toldInits = new Set<SegmentPart>();

  function stateOf(part: SegmentPart): PartState {
    if (part.isGap) {
      return { kind: "missing", part, why: "the playlist marks it as a gap" };
    }
    const fileSizeBytes = sizes.get(part.file) ?? null;
    const unasked = checkSize(part, fileSizeBytes);
    return known.get(part) ?? { kind: "present", part, fileSizeBytes, ...unasked };
  }

  for (const segment of segments) {
    const { init } = segment;
    if (init !== null && !toldInits.has(init)) {
      toldInits.add(init);
      yield stateOf(init);
    }
    yield stateOf(segment);
  }
}

/** By the first segment that is there and sound; one that is not would describe its damage. */
async function describeFirst(
  client: MediaClient,
  states: readonly PartState[],
  signal: AbortSignal,
): Promise<SegmentDetails> {
  const nothing = { video: null, audio: null, gap: null };
  const present = states.flatMap((state) =>
    state.kind === "present" && state.part.kind === "segment" ? [state] : [],
  );
  const first = present.find(({ problem, format }) => problem === null && format !== null);
  if (first === undefined) {
    // Whatever kept every segment from being read has its own finding.
    return nothing;
  }
  if (first.part.keys.length > 0 && first.cipher === null) {
    return { ...nothing, gap: "Codecs are not known: the segments are encrypted with SAMPLE-AES." };
  }
  const init = states.find(({ part }) => part === first.part.init) ?? null;
  return await describeSegment(client, first, init, signal);
}

function detailFindings({ gap }: SegmentDetails): readonly Finding[] {
  return gap === null
    ? []
    : [{ kind: "not_fully_checked", declared: null, actual: null, detail: gap }];
}

function playlistFindings(playlist: MediaPlaylist, declared: Declared): readonly Finding[] {
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
  return findings;
}

/**
 * What `file_size` counts for HLS is not specified: the segments with or without the playlists pass, within 1 %. With
 * several variants it is not even clear which of them it counts, so nothing is compared.
 */
function sizeFindings(
  sizeBytes: number | null,
  playlistBytes: number,
  variants: number,
  declared: Declared,
): readonly Finding[] {
  const declaredBytes = declared.sizeBytes;
  if (sizeBytes === null || variants > 1 || declaredBytes === null) {
    return [];
  }
  const tolerance = declaredBytes * SIZE_TOLERANCE;
  const accepted = [sizeBytes, sizeBytes + playlistBytes];
  if (accepted.some((size) => Math.abs(size - declaredBytes) <= tolerance)) {
    return [];
  }
  return [
    {
      kind: "size_mismatch",
      declared: declaredBytes,
      actual: sizeBytes,
      detail: `The segments have ${sizeBytes} bytes together; ${declaredBytes} were declared.`,
    },
  ];
}

function totalDurationS(playlist: MediaPlaylist): number {
  const sum = playlist.segments.reduce((total, segment) => total + segment.durationS, 0);
  // EXTINF has at most microseconds in practice; what lies below is the noise of adding.
  return Math.round(sum * 1e6) / 1e6;
}
