import { readInitSegment } from "../container/mp4/init-segment.ts";
import { runLanes } from "../concurrency/run-lanes.ts";
import type { MediaClient } from "../http/media-client.ts";
import { checkHead, type HeadCheck } from "./check-head.ts";
import { isNotThere, readFilePart } from "./read-part.ts";
import { createSegmentVerifier } from "./segment-check.ts";
import { AES_BLOCK_BYTES } from "./segment-cipher.ts";
import type { SegmentKeys } from "./segment-keys.ts";
import type { SegmentFile, SegmentPart } from "./segment-plan.ts";
import type { SegmentProblem } from "./segment-problems.ts";

/** What one request showed of a segment or an init section; `missing`: the origin or the playlist says it is absent. */
export type PartState =
  | { kind: "missing"; part: SegmentPart; why: string }
  | ({ kind: "present"; part: SegmentPart; fileSizeBytes: number | null } & HeadCheck);

export interface CheckOptions {
  concurrency: number;
  /** Reads every byte of the parts, not only their beginnings. */
  isThorough: boolean;
  signal: AbortSignal;
}

/**
 * Of each segment. A new connection carries 14 KB in its first round trip (RFC 6928), so it takes no longer than one byte,
 * and it shows the boxes of a fragment of six seconds up to the header of its media data.
 */
const HEAD_BYTES = 4096;
/** Of init sections, which are read whole, and of the first segment behind one: it is described too. */
const DESCRIBED_BYTES = 65_536;
/** Of a first segment on its own: behind the first picture of a transport stream, which may be long, its sound begins. */
export const DESCRIBED_STREAM_BYTES = 131_072;

/**
 * Asks the origin once for the beginning of each part. Keeps what it read of the first segment and of its init section.
 *
 * @throws AppError for every failure but "not found", which is a state; the reason of the signal when that aborts.
 */
export async function checkParts(
  client: MediaClient,
  parts: readonly SegmentPart[],
  keys: SegmentKeys,
  options: CheckOptions,
): Promise<readonly PartState[]> {
  const states: PartState[] = [];
  const missingFiles = new Set<SegmentFile>();
  const first = parts.find(({ kind }) => kind === "segment");
  await runLanes(
    parts.entries(),
    options.concurrency,
    options.signal,
    async ([index, part], signal) => {
      const isDescribed = part === first || part === first?.init;
      const seen = missingFiles.has(part.file)
        ? notThere(part)
        : await checkPart(client, part, keys, isDescribed, signal);
      const state = options.isThorough ? await readThrough(client, seen, keys, signal) : seen;
      if (state.kind === "missing") {
        missingFiles.add(part.file);
      }
      states[index] = state;
    },
  );
  return states;
}

async function checkPart(
  client: MediaClient,
  part: SegmentPart,
  keys: SegmentKeys,
  isDescribed: boolean,
  signal: AbortSignal,
): Promise<PartState> {
  const { file, byteRange } = part;
  const lock = await keys.lockOf(part, signal);
  const describedBytes = isOnItsOwn(part) ? DESCRIBED_STREAM_BYTES : DESCRIBED_BYTES;
  const wanted = isDescribed || part.kind === "init" ? describedBytes : HEAD_BYTES;
  const length = Math.min(wanted, byteRange?.length ?? wanted);
  try {
    const start = byteRange?.offset ?? 0;
    const { bytes, totalSizeBytes } = await readFilePart(client, file.url, start, length, signal);
    const check = checkHead(part, lock, bytes, totalSizeBytes);
    const head = isDescribed ? check.head : null;
    const present = {
      kind: "present",
      part,
      fileSizeBytes: totalSizeBytes,
      ...check,
      head,
    } as const;
    return part.kind === "init"
      ? { ...present, problem: check.problem ?? (await initProblem(check, signal)) }
      : present;
  } catch (error) {
    if (isNotThere(error)) {
      return notThere(part);
    }
    throw error;
  }
}

function isOnItsOwn({ kind, init }: SegmentPart): boolean {
  return kind === "segment" && init === null;
}

/** Without its init section no segment can be played, so that one is read through. */
async function initProblem(
  { format, head }: HeadCheck,
  signal: AbortSignal,
): Promise<SegmentProblem | null> {
  if (format !== "fmp4" || head === null || head.length >= DESCRIBED_BYTES - AES_BLOCK_BYTES) {
    return null;
  }
  const { problem } = await readInitSegment(head, signal);
  return problem === null
    ? null
    : { kind: "corrupt_segment", text: `describes nothing that can be played: ${problem}` };
}

/** What the rest of a part shows, of which the beginning is sound. */
async function readThrough(
  client: MediaClient,
  state: PartState,
  keys: SegmentKeys,
  signal: AbortSignal,
): Promise<PartState> {
  if (state.kind === "missing" || state.problem !== null || state.unseen !== null) {
    return state;
  }
  const { file, byteRange } = state.part;
  const verifier = createSegmentVerifier(await keys.lockOf(state.part, signal));
  const range =
    byteRange === null
      ? {}
      : { range: { start: byteRange.offset, end: byteRange.offset + byteRange.length - 1 } };
  // The whole look has a deadline of its own.
  const response = await client.open(file.url, { ...range, totalTimeoutMs: null, signal });
  if (byteRange !== null && response.status !== 206) {
    await response.close();
    return { ...state, unseen: "the origin takes no ranges" };
  }
  for await (const chunk of response.body) {
    verifier.push(chunk);
  }
  return { ...state, problem: verifier.end() };
}

function notThere(part: SegmentPart): PartState {
  return { kind: "missing", part, why: "the origin says that it is not there" };
}
