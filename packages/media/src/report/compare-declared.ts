import type { Container, FileFormat, Finding } from "@reelgate/shared/contract/media";
import type { Completeness } from "../container/container-report.ts";

/** A duration may differ by 2 s or 1 %, whichever is more: the provider counts stream time, the file media time. */
const DURATION_TOLERANCE_S = 2;
const DURATION_TOLERANCE = 0.01;

/** What is claimed of a recording, by a callback or by a person. Null: nothing is, and nothing is compared. */
export interface Declared {
  format: FileFormat | null;
  sizeBytes: number | null;
  durationS: number | null;
}

export const NOTHING_DECLARED: Declared = { format: null, sizeBytes: null, durationS: null };

/** Differences between the format that was declared and the one that the bytes show. */
export function containerFindings(container: Container, declared: Declared): readonly Finding[] {
  if (declared.format === null || container === declared.format) {
    return [];
  }
  return [
    {
      kind: "container_mismatch",
      declared: declared.format,
      actual: container,
      detail: `By its first bytes the file is ${container}; ${declared.format} was declared.`,
    },
  ];
}

/**
 * Differences between the declared size of a single file and the real one, which must be equal to the byte. A shorter
 * file counts as cut off unless its structure proves that it is whole, or says by itself where it is cut.
 */
export function fileSizeFindings(
  sizeBytes: number,
  completeness: Completeness,
  declared: Declared,
): readonly Finding[] {
  if (declared.sizeBytes === null || sizeBytes === declared.sizeBytes) {
    return [];
  }
  const values = { declared: declared.sizeBytes, actual: sizeBytes };
  const mismatch: Finding = {
    kind: "size_mismatch",
    ...values,
    detail: `The file has ${sizeBytes} bytes; ${declared.sizeBytes} were declared.`,
  };
  const missing = declared.sizeBytes - sizeBytes;
  if (missing < 0 || completeness !== "unknown") {
    return [mismatch];
  }
  return [
    mismatch,
    { kind: "truncated", ...values, detail: `${missing} of the declared bytes are missing.` },
  ];
}

/**
 * Differences between the declared duration and a real one. An estimate is not held against it: it would accuse the
 * file of the error of the estimate.
 *
 * @param subject What lasts, as the beginning of a sentence: "The file lasts".
 */
export function durationFindings(
  subject: string,
  durationS: number | null,
  durationIsExact: boolean,
  declared: Declared,
): readonly Finding[] {
  if (declared.durationS === null || durationS === null || !durationIsExact) {
    return [];
  }
  const toleranceS = Math.max(DURATION_TOLERANCE_S, declared.durationS * DURATION_TOLERANCE);
  if (Math.abs(durationS - declared.durationS) <= toleranceS) {
    return [];
  }
  return [
    {
      kind: "duration_mismatch",
      declared: declared.durationS,
      actual: durationS,
      detail: `${subject} ${durationS} s; ${declared.durationS} s were declared.`,
    },
  ];
}
