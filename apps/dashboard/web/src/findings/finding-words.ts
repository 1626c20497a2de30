import { FINDING_SEVERITIES } from "@reelgate/shared/contract/media";
import type { Finding, FindingKind, FindingSeverity } from "@reelgate/shared/contract/media";

/** A kind of finding for people: what it is called, what it means, and what can be done. */
export interface FindingWords {
  title: string;
  meaning: string;
  advice: string;
}

const MEND_AT_ORIGIN =
  "Look for another copy at the provider (VOD or COS). When the file there is whole, retry.";

export const FINDING_WORDS: Readonly<Record<FindingKind, FindingWords>> = {
  size_mismatch: {
    title: "Other size",
    meaning: "The file has another size than the callback said.",
    advice: "Where nothing else is wrong, the file is whole by its structure: trust the real size.",
  },
  duration_mismatch: {
    title: "Other duration",
    meaning: "The file plays for another time than the callback said.",
    advice:
      "An interrupted stream can be the reason, with nothing lost. Compare with the stream's timeline.",
  },
  truncated: {
    title: "Truncated",
    meaning: "The end of the file is missing.",
    advice: MEND_AT_ORIGIN,
  },
  damaged: {
    title: "Damaged",
    meaning: "The structure of the file breaks inside: part of it will not play.",
    advice: MEND_AT_ORIGIN,
  },
  container_mismatch: {
    title: "Other format",
    meaning: "The file is of another format than the callback said.",
    advice: "It plays. Trust the real format, not the name of the file.",
  },
  missing_segment: {
    title: "Missing segment",
    meaning: "The playlist names a segment that is not there: a hole in the recording.",
    advice:
      "Right after a recording it may still be on its way: retry in some minutes. Else look for it at the provider.",
  },
  short_segment: {
    title: "Short segment",
    meaning: "A segment is empty or ends too early: a hole in the recording.",
    advice: MEND_AT_ORIGIN,
  },
  corrupt_segment: {
    title: "Corrupt segment",
    meaning: "A segment is no media, does not decrypt, or has a hole.",
    advice: MEND_AT_ORIGIN,
  },
  missing_key: {
    title: "Missing key",
    meaning: "The key of an encrypted recording is not there, so it cannot be played.",
    advice: "Make the key available at the address that the playlist names, then retry.",
  },
  missing_endlist: {
    title: "No end",
    meaning: "The playlist has no end: the recording goes on, or its end was never written.",
    advice:
      "If the stream has ended, retry in some minutes. If it stays so, the last segments may be lost.",
  },
  empty_file: {
    title: "Empty",
    meaning: "There is nothing in the file.",
    advice: MEND_AT_ORIGIN,
  },
  not_fully_checked: {
    title: "Not fully checked",
    meaning: "Nothing is known to be wrong, but part of the recording was not looked at.",
    advice: "Nothing has to be done. MEDIA_HLS_SEGMENTS=all checks every segment.",
  },
};

export interface SeverityWords {
  title: string;
  meaning: string;
}

export const SEVERITY_WORDS: Readonly<Record<FindingSeverity, SeverityWords>> = {
  broken: { title: "Broken", meaning: "Part of it is gone or cannot be played." },
  different: { title: "Different", meaning: "It plays, but is not what was declared." },
  unchecked: { title: "Unchecked", meaning: "Part of it was not looked at." },
};

const RANK: Readonly<Record<FindingSeverity, number>> = { broken: 0, different: 1, unchecked: 2 };

export function severityOf(finding: Pick<Finding, "kind">): FindingSeverity {
  return FINDING_SEVERITIES[finding.kind];
}

/** The gravest first; those of one severity in the order in which they were found. */
export function gravestFirst<T extends Pick<Finding, "kind">>(findings: readonly T[]): T[] {
  return findings.toSorted((a, b) => RANK[severityOf(a)] - RANK[severityOf(b)]);
}
