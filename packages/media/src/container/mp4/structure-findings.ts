import type { Finding } from "@reelgate/shared/contract/media";

/** Findings of one report, in the order in which they were made. */
export interface StructureFindings {
  readonly list: readonly Finding[];
  readonly isTruncated: boolean;
  readonly isDamaged: boolean;
  /** `neededBytes`: as far as the file says how long it was; null when it does not. */
  truncated(neededBytes: number | null, detail: string): void;
  /** `offset`: where in the file, if it is known. */
  damaged(detail: string, offset?: number): void;
  notFullyChecked(detail: string): void;
}

/** One broken header makes a hundred broken entries: the first of them say it all. */
const MAX_DAMAGES = 8;

/** Starts without any. */
export function createStructureFindings(sizeBytes: number): StructureFindings {
  const list: Finding[] = [];
  let damages = 0;
  return {
    list,
    get isTruncated(): boolean {
      return list.some(({ kind }) => kind === "truncated");
    },
    get isDamaged(): boolean {
      return damages > 0;
    },
    truncated(neededBytes, detail): void {
      list.push({ kind: "truncated", declared: neededBytes, actual: sizeBytes, detail });
    },
    damaged(detail, offset): void {
      damages += 1;
      if (damages <= MAX_DAMAGES) {
        list.push({ kind: "damaged", declared: null, actual: offset ?? null, detail });
      }
    },
    notFullyChecked(detail): void {
      list.push({ kind: "not_fully_checked", declared: null, actual: null, detail });
    },
  };
}

/** "1 byte is missing", "2 bytes are missing". */
export function missingText(count: number): string {
  return count === 1 ? "1 byte is missing" : `${count} bytes are missing`;
}
