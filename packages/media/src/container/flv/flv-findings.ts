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

function isClaimedLonger({ durationS: claimedS }: FlvMetadata, durationS: number): boolean {
  const toleranceS = Math.max(DURATION_TOLERANCE_S, durationS * DURATION_TOLERANCE);
  return claimedS !== null && claimedS > durationS + toleranceS;
}

/** What cannot be told of the duration, and where the metadata makes one doubt it. */
export function durationHintFindings(
  playing: PlayingTime,
  metadata: FlvMetadata,
  completeness: Completeness,
  durationS: number | null,
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
      return durationS !== null &&
        completeness === "unknown" &&
        isClaimedLonger(metadata, durationS)
        ? [
            {
              kind: "not_fully_checked",
              declared: metadata.durationS,
              actual: durationS,
              detail: `The metadata tells ${metadata.durationS} s, the tags end after ${durationS.toFixed(3)} s: either the metadata is wrong, or the file is cut between two tags.`,
            },
          ]
        : [];
    default:
      return playing satisfies never;
  }
}
