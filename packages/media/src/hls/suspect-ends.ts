import { runLanes } from "../concurrency/run-lanes.ts";
import {
  compareCounters,
  type ContinuityCounters,
  continuityCounters,
} from "../container/mpegts/continuity.ts";
import { TS_PACKET_BYTES } from "../container/mpegts/packet.ts";
import type { MediaClient } from "../http/media-client.ts";
import type { CheckOptions, PartState } from "./check-segments.ts";
import { cutEnds, type SegmentBoundary } from "./cut-ends.ts";
import { isNotThere, readFilePart } from "./read-part.ts";
import { AES_BLOCK_BYTES, decryptHead, decryptTail } from "./segment-cipher.ts";
import type { SegmentKeys } from "./segment-keys.ts";
import { sampleIndexes, type SegmentPart, type SegmentPlan } from "./segment-plan.ts";
import { ENDS_EARLY, type SegmentProblem, WRONG_PADDING } from "./segment-problems.ts";

/** A whole segment rarely has less than this of the usual bytes per second; one that lost a third of itself has. */
const SUSPECT_SHARE = 0.75;
/** Fewer tell no usual rate. */
const MIN_RATES = 3;
/** Looked into, those with the fewest bytes first: a recording of a still picture has many light segments. */
const MAX_SUSPECTS = 8;
/** Of the end of a segment and of the beginning of the next: a packet of pictures is in both. */
const WINDOW_BYTES = TS_PACKET_BYTES * 87;

type Present = Extract<PartState, { kind: "present" }>;

interface Candidate {
  state: Present;
  sizeBytes: number;
  /** Follows it. */
  next: SegmentPart;
  bytesPerS: number;
}

/**
 * Looks into the ends of the segments that have far fewer bytes for their duration than others: what is wrong with those
 * that are cut where nothing else shows it. Two requests for each of them, and as many for sound ones to compare with;
 * none for a recording of even rate.
 *
 * @param states What was seen of the segments so far.
 * @throws AppError for every failure but "not found"; the reason of the signal.
 */
export async function checkSuspectEnds(
  client: MediaClient,
  plan: SegmentPlan,
  states: readonly PartState[],
  keys: SegmentKeys,
  { concurrency, signal }: CheckOptions,
): Promise<ReadonlyMap<SegmentPart, SegmentProblem>> {
  const { suspects, others } = choose(candidatesOf(plan, states));
  const problems = new Map<SegmentPart, SegmentProblem>();
  const boundaries: SegmentBoundary[] = [];
  await runLanes(
    suspects.length === 0 ? [] : [...suspects, ...others],
    concurrency,
    signal,
    async (candidate, laneSignal) => {
      const { part } = candidate.state;
      const end = await readEnd(client, candidate, laneSignal);
      if (end === "wrong_padding") {
        problems.set(part, WRONG_PADDING);
        return;
      }
      const next = await readBeginning(client, candidate.next, keys, laneSignal);
      if (end !== null && next !== null) {
        boundaries.push({ part, boundary: compareCounters(end, next) });
      }
    },
  );
  for (const part of cutEnds(boundaries)) {
    problems.set(part, ENDS_EARLY);
  }
  return problems;
}

function candidatesOf(plan: SegmentPlan, states: readonly PartState[]): readonly Candidate[] {
  const followers = new Map(plan.segments.map((part) => [part.follows, part]));
  const broken = new Set(states.filter((state) => !isSound(state)).map(({ part }) => part));
  return states.flatMap((state): Candidate[] => {
    const next = followers.get(state.part);
    if (!isSound(state) || state.format !== "mpegts" || next === undefined || broken.has(next)) {
      return [];
    }
    const { durationS, byteRange } = state.part;
    const sizeBytes = byteRange?.length ?? state.fileSizeBytes;
    return sizeBytes === null || durationS === 0
      ? []
      : [{ state, sizeBytes, next, bytesPerS: sizeBytes / durationS }];
  });
}

function isSound(state: PartState): state is Present {
  return state.kind === "present" && state.problem === null;
}

function choose(candidates: readonly Candidate[]): {
  suspects: readonly Candidate[];
  others: readonly Candidate[];
} {
  const byRate = candidates.toSorted((a, b) => a.bytesPerS - b.bytesPerS);
  const usual = byRate[Math.floor(byRate.length / 2)]?.bytesPerS ?? 0;
  const limit = byRate.length < MIN_RATES ? 0 : usual * SUSPECT_SHARE;
  const suspects = byRate.filter(({ bytesPerS }) => bytesPerS < limit).slice(0, MAX_SUSPECTS);
  const sound = candidates.filter(({ bytesPerS }) => bytesPerS >= limit);
  // Twice as many, spread over the recording: so many must go on for a gap to count.
  const indexes = sampleIndexes(sound.length, 2 * suspects.length - 2);
  return { suspects, others: indexes.flatMap((index) => sound[index] ?? []) };
}

/** Null where the origin gives nothing to compare. */
async function readEnd(
  client: MediaClient,
  { state: { part, cipher }, sizeBytes }: Candidate,
  signal: AbortSignal,
): Promise<ContinuityCounters | "wrong_padding" | null> {
  const wanted = cipher === null ? WINDOW_BYTES : wholeBlocks(WINDOW_BYTES);
  const start = Math.max(0, sizeBytes - wanted);
  const bytes = await readOf(client, part, start, sizeBytes - start, signal);
  if (bytes === null || bytes.length < sizeBytes - start) {
    return null;
  }
  const plain = cipher === null ? bytes : decryptTail(bytes, cipher, start === 0);
  if (plain === null) {
    return "wrong_padding";
  }
  return continuityCounters(plain.subarray(plain.length % TS_PACKET_BYTES));
}

/** With the block before the first, and the padding behind the last. */
function wholeBlocks(bytes: number): number {
  return (Math.ceil(bytes / AES_BLOCK_BYTES) + 2) * AES_BLOCK_BYTES;
}

async function readBeginning(
  client: MediaClient,
  part: SegmentPart,
  keys: SegmentKeys,
  signal: AbortSignal,
): Promise<ContinuityCounters | null> {
  const lock = await keys.lockOf(part, signal);
  const length = Math.min(WINDOW_BYTES, part.byteRange?.length ?? WINDOW_BYTES);
  const bytes = lock.kind === "sealed" ? null : await readOf(client, part, 0, length, signal);
  return bytes === null
    ? null
    : continuityCounters(lock.kind === "aes" ? decryptHead(bytes, lock.cipher) : bytes);
}

async function readOf(
  client: MediaClient,
  { file, byteRange }: SegmentPart,
  start: number,
  length: number,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  try {
    const from = (byteRange?.offset ?? 0) + start;
    return (await readFilePart(client, file.url, from, length, signal)).bytes;
  } catch (error) {
    if (isNotThere(error)) {
      return null;
    }
    throw error;
  }
}
