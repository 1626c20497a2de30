import type { Finding } from "@reelgate/shared/contract/media";
import { describeUrl } from "../http/describe-url.ts";
import type { PartState } from "./check-segments.ts";
import { MAX_NAMED, nameFifty } from "./named-findings.ts";
import type { SegmentFile } from "./segment-plan.ts";

/** The findings about what was found wrong, each of which names its part; beyond fifty the last tells how many more. */
export function segmentFindings(states: Iterable<PartState>): readonly Finding[] {
  const findings: Finding[] = [];
  const missingFiles = new Set<SegmentFile>();
  let unnamed = 0;
  for (const state of states) {
    if (state.kind === "missing") {
      if (missingFiles.has(state.part.file)) {
        continue;
      }
      missingFiles.add(state.part.file);
    }
    if (state.kind === "present" && state.problem === null) {
      continue;
    }
    if (findings.length < MAX_NAMED) {
      findings.push(partFinding(state));
    } else {
      unnamed += 1;
    }
  }
  return nameFifty(findings, unnamed, "are missing, short or corrupt");
}

function partFinding(state: PartState): Finding {
  const { file, role, byteRange } = state.part;
  const where = describeUrl(new URL(file.url));
  const place =
    byteRange === null
      ? where
      : `bytes ${byteRange.offset} to ${byteRange.offset + byteRange.length} of ${where}`;
  if (state.kind === "missing") {
    return {
      kind: "missing_segment",
      declared: where,
      actual: null,
      detail: `${role} (${where}) is missing: ${state.why}.`,
    };
  }
  const { kind, text } = state.problem ?? { kind: "corrupt_segment", text: "" };
  return {
    kind,
    declared: kind === "short_segment" ? neededBytes(state) : where,
    actual: kind === "short_segment" ? state.fileSizeBytes : null,
    detail: `${role} (${place}) ${text}.`,
  };
}

/** What the playlist demands of the file, where it demands anything. */
function neededBytes({ part: { byteRange } }: PartState): number | null {
  return byteRange === null ? null : byteRange.offset + byteRange.length;
}

/** Findings about what could not be looked at. Counts segments, not init sections. */
export function uncheckedFindings(
  states: readonly PartState[],
  segmentCount: number,
): readonly Finding[] {
  const checked = states.filter(({ part }) => part.kind === "segment").length;
  const findings: Finding[] = [];
  function add(all: number, seen: number, detail: string): void {
    findings.push({ kind: "not_fully_checked", declared: all, actual: seen, detail });
  }
  if (checked < segmentCount) {
    add(
      segmentCount,
      checked,
      `${count(checked)} of ${count(segmentCount)} segments were checked.`,
    );
  }
  const present = states.flatMap((state) => (state.kind === "present" ? [state] : []));
  const unknown = present.filter(({ fileSizeBytes }) => fileSizeBytes === null).length;
  if (unknown > 0) {
    add(
      states.length,
      states.length - unknown,
      `The origin does not say how large ${count(unknown)} of ${count(states.length)} checked segments are.`,
    );
  }
  const reasons = Map.groupBy(present, ({ unseen }) => unseen);
  for (const [why, { length }] of reasons) {
    if (why !== null) {
      add(
        states.length,
        states.length - length,
        `${count(length)} of ${count(states.length)} checked segments could not be looked into: ${why}.`,
      );
    }
  }
  return findings;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
