import { AppError } from "@reelgate/shared/errors";
import type { Finding } from "@reelgate/shared/contract/media";
import { describeUrl } from "../http/describe-url.ts";
import type { MediaClient } from "../http/media-client.ts";
import { neededBytes, sampleIndexes, type SegmentFile } from "./segment-plan.ts";

export interface SegmentCheckOptions {
  /** Up to so many files, every one is checked; beyond it ten of them. */
  maxChecks: number;
  concurrency: number;
  signal: AbortSignal;
}

export interface SegmentCheckResult {
  /** Bytes of all segments and init sections; null when one of them is missing, unknown or was not checked. */
  sizeBytes: number | null;
  findings: readonly Finding[];
}

type FileState =
  | { kind: "present"; totalSizeBytes: number | null }
  | { kind: "missing"; why: string };

const GAP: FileState = { kind: "missing", why: "the playlist marks it as a gap" };

/** A recording of which nothing is left would otherwise be a catalogue row of megabytes. */
const MAX_NAMED_FILES = 50;
const SAMPLES_BETWEEN = 8;

/**
 * Asks the origin for one byte of each file: that shows that it is there and how large it is.
 *
 * @throws AppError for every failure but "not found", which is a finding; the reason of the signal when that aborts.
 */
export async function checkSegments(
  client: MediaClient,
  files: readonly SegmentFile[],
  options: SegmentCheckOptions,
): Promise<SegmentCheckResult> {
  const asked = [...files.keys()].filter((index) => files[index]?.gap === false);
  const complete = asked.length <= options.maxChecks;
  const indexes = complete
    ? asked
    : sampleIndexes(asked.length, SAMPLES_BETWEEN).flatMap((position) => asked[position] ?? []);
  const states = await probeAll(client, files, indexes, options);
  const findings: Finding[] = [];
  let unnamed = 0;
  let unknownSizes = 0;
  let sizeBytes: number | null = complete ? 0 : null;
  for (const [index, file] of files.entries()) {
    const state = file.gap ? GAP : states.get(index);
    const bytes = state === undefined ? null : presentBytes(file, state);
    if (state?.kind === "present" && state.totalSizeBytes === null) {
      unknownSizes += 1;
    }
    sizeBytes = sizeBytes === null || bytes === null ? null : sizeBytes + bytes;
    if (state !== undefined && !isSound(file, state)) {
      if (findings.length < MAX_NAMED_FILES) {
        findings.push(fileFinding(file, state));
      } else {
        unnamed += 1;
      }
    }
  }
  return {
    sizeBytes,
    findings: [
      ...namingTheRest(findings, unnamed),
      ...(complete ? [] : [sampledFinding(states.size, asked.length)]),
      ...(unknownSizes === 0 ? [] : [unknownSizesFinding(unknownSizes, states.size)]),
    ],
  };
}

function sampledFinding(checked: number, all: number): Finding {
  return {
    kind: "not_fully_checked",
    declared: all,
    actual: checked,
    detail: `${count(checked)} of ${count(all)} segments were checked.`,
  };
}

function unknownSizesFinding(unknown: number, checked: number): Finding {
  return {
    kind: "not_fully_checked",
    declared: checked,
    actual: checked - unknown,
    detail: `The origin does not say how large ${count(unknown)} of ${count(checked)} checked segments are.`,
  };
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** Bytes of the recording in this file; null when they are not all there, or the origin does not tell. */
function presentBytes(file: SegmentFile, state: FileState): number | null {
  if (state.kind === "missing" || state.totalSizeBytes === null) {
    return null;
  }
  const { totalSizeBytes } = state;
  if (file.whole) {
    return totalSizeBytes;
  }
  return totalSizeBytes < neededBytes(file)
    ? null
    : file.ranges.reduce((sum, range) => sum + range.length, 0);
}

async function probeAll(
  client: MediaClient,
  files: readonly SegmentFile[],
  indexes: readonly number[],
  options: SegmentCheckOptions,
): Promise<ReadonlyMap<number, FileState>> {
  const states = new Map<number, FileState>();
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const queue = indexes.values();

  async function probeFromQueue(): Promise<void> {
    for (const index of queue) {
      const file = files[index];
      if (file !== undefined) {
        states.set(index, await probe(client, file, signal));
      }
    }
  }

  const lanes = Array.from({ length: Math.min(options.concurrency, indexes.length) }, () =>
    probeFromQueue().catch((error: unknown) => {
      stop.abort(error);
      throw error;
    }),
  );
  // All lanes are waited for: none may go on reading after the answer is given.
  await Promise.allSettled(lanes);
  stop.signal.throwIfAborted();
  return states;
}

async function probe(
  client: MediaClient,
  file: SegmentFile,
  signal: AbortSignal,
): Promise<FileState> {
  try {
    const { totalSizeBytes } = await client.readPrefix(file.url, 1, signal);
    return { kind: "present", totalSizeBytes };
  } catch (error) {
    if (error instanceof AppError && error.code === "media_not_found") {
      return { kind: "missing", why: "the origin says that it is not there" };
    }
    throw error;
  }
}

function isSound(file: SegmentFile, state: FileState): boolean {
  return (
    state.kind === "present" &&
    (state.totalSizeBytes === null || state.totalSizeBytes >= leastBytes(file))
  );
}

/** The finding about a file that is not sound. */
function fileFinding(file: SegmentFile, state: FileState): Finding {
  const where = describeUrl(new URL(file.url));
  const name = `${file.role} (${where})`;
  if (state.kind === "missing") {
    return {
      kind: "missing_segment",
      declared: where,
      actual: null,
      detail: `${name} is missing: ${state.why}.`,
    };
  }
  const least = leastBytes(file);
  return {
    kind: "short_segment",
    declared: least,
    actual: state.totalSizeBytes,
    detail:
      state.totalSizeBytes === 0
        ? `${name} is empty.`
        : `${name} has ${state.totalSizeBytes} bytes; the playlist refers to ${least}.`,
  };
}

function leastBytes(file: SegmentFile): number {
  return Math.max(neededBytes(file), 1);
}

function namingTheRest(findings: readonly Finding[], unnamed: number): readonly Finding[] {
  const last = findings.at(-1);
  return last === undefined || unnamed === 0
    ? findings
    : [
        ...findings.slice(0, -1),
        { ...last, detail: `${last.detail} ${unnamed} more files are missing or short.` },
      ];
}
