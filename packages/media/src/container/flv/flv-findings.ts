import type { Finding } from "@reelgate/shared/contract/media";
import type { Completeness } from "../container-report.ts";
import type { FlvMetadata } from "./metadata.ts";
import type { PlayingTime } from "./playing-time.ts";
import type { TailEnd } from "./read-tail.ts";

/** A claimed duration counts as longer beyond this: what encoders round and how they count the last frame. */
const DURATION_TOLERANCE_S = 2;
const DURATION_TOLERANCE = 0.01;

/** Whether anything is cut off, by the last tags and by the size that onMetaData tells. */
export function completenessFindings(
  end: TailEnd,
  metadata: FlvMetadata,
  durationS: number | null,
  sizeBytes: number,
): { completeness: Completeness; findings: readonly Finding[] } {
  const claimedBytes = metadata.fileSizeBytes ?? 0;
  if (end.kind === "cut" || claimedBytes > sizeBytes) {
    const neededBytes = Math.max(claimedBytes, end.kind === "cut" ? end.neededBytes : 0);
    const sentences = [
      ...(end.kind === "cut" ? [describeCut(end, sizeBytes)] : []),
      ...(claimedBytes > sizeBytes
        ? [
            `By its metadata the file has ${claimedBytes} bytes: ${claimedBytes - sizeBytes} are missing.`,
          ]
        : []),
      ...describeDurations(metadata, durationS),
    ];
    const finding: Finding = {
      kind: "truncated",
      declared: neededBytes,
      actual: sizeBytes,
      detail: sentences.join(" "),
    };
    return { completeness: "truncated", findings: [finding] };
  }
  if (end.kind === "nothing") {
    const finding: Finding = {
      kind: "damaged",
      declared: null,
      actual: sizeBytes - end.searchedBytes,
      detail: `There is no FLV tag in the last ${end.searchedBytes} bytes, so how long the file plays is not known.`,
    };
    return { completeness: "unknown", findings: [finding] };
  }
  return {
    completeness: end.kind === "clean" && claimedBytes === sizeBytes ? "whole" : "unknown",
    findings: [],
  };
}

function describeCut(
  { offset, neededBytes, tag }: Extract<TailEnd, { kind: "cut" }>,
  sizeBytes: number,
): string {
  const missing = neededBytes - sizeBytes;
  return tag === null
    ? `The file ends within the header of its last tag, at byte ${offset}.`
    : `The last tag (${tag.kind}, at byte ${offset}) is cut off: ${missing} of its bytes are missing.`;
}

function describeDurations(metadata: FlvMetadata, durationS: number | null): string[] {
  if (durationS === null) {
    return [];
  }
  const claimed = isClaimedLonger(metadata, durationS)
    ? ` of the ${metadata.durationS} s that its metadata tells`
    : "";
  return [`What is there plays until ${durationS.toFixed(3)} s${claimed}.`];
}

/** Small enough for what servers and storage put behind a file; more is a part of it that was destroyed. */
const MAX_TRAILER_BYTES = 4096;

/** Few bytes behind the last whole tag that belong to nothing, or the four that should be there: all media is. */
export function trailerFindings(end: TailEnd, sizeBytes: number): readonly Finding[] {
  const isTrailer =
    end.kind === "lost" && !end.isWithinTag && sizeBytes - end.offset <= MAX_TRAILER_BYTES;
  if (end.kind !== "no_trailer" && !isTrailer) {
    return [];
  }
  const detail =
    end.kind === "no_trailer"
      ? `The last tag is all there, but for its length behind it, from byte ${end.offset} on: more tags may be missing.`
      : `${bytesText(sizeBytes - end.offset)} behind the last tag, from byte ${end.offset} on, belong to nothing.`;
  return [{ kind: "not_fully_checked", declared: end.offset, actual: sizeBytes, detail }];
}

function bytesText(count: number): string {
  return count === 1 ? "1 byte" : `${count} bytes`;
}

/** Whether the metadata tells the same duration as the first and the last tags do. */
export function isConfirmed({ durationS: claimedS }: FlvMetadata, durationS: number): boolean {
  return claimedS !== null && Math.abs(claimedS - durationS) <= toleranceOf(durationS);
}

function toleranceOf(durationS: number): number {
  return Math.max(DURATION_TOLERANCE_S, durationS * DURATION_TOLERANCE);
}

function isClaimedLonger({ durationS: claimedS }: FlvMetadata, durationS: number): boolean {
  return claimedS !== null && claimedS > durationS + toleranceOf(durationS);
}

/** What cannot be told of the duration, and where the metadata makes one doubt it. */
export function durationHintFindings(
  playing: PlayingTime,
  metadata: FlvMetadata,
  completeness: Completeness,
  durationS: number | null,
  isEveryTagRead: boolean,
): readonly Finding[] {
  switch (playing.kind) {
    case "none":
      return [
        {
          kind: "damaged",
          declared: metadata.durationS,
          actual: null,
          detail: "There is no audio and no video in what was read of the file.",
        },
      ];
    case "reset-unseen":
      return [
        {
          kind: "not_fully_checked",
          declared: metadata.durationS,
          actual: null,
          detail:
            "The timestamps begin anew in the middle of the file, as they do when a stream broke off: how long it plays is not known.",
        },
      ];
    case "known":
      return durationS === null || completeness !== "unknown"
        ? []
        : disagreement(metadata, durationS, isEveryTagRead);
    default:
      return playing satisfies never;
  }
}

function disagreement(
  metadata: FlvMetadata,
  durationS: number,
  isEveryTagRead: boolean,
): readonly Finding[] {
  const { durationS: claimedS } = metadata;
  const isLonger = isClaimedLonger(metadata, durationS);
  // A metadata that tells less is wrong where every tag was read; else the timestamps may be those of two recordings.
  if (claimedS === null || (!isLonger && (isEveryTagRead || isConfirmed(metadata, durationS)))) {
    return [];
  }
  const why = isLonger
    ? "either the metadata is wrong, or the file is cut between two tags"
    : "either the metadata is wrong, or the timestamps begin anew in between";
  const detail = `The metadata tells ${claimedS} s, the tags end after ${durationS.toFixed(3)} s: ${why}.`;
  return [{ kind: "not_fully_checked", declared: claimedS, actual: durationS, detail }];
}
