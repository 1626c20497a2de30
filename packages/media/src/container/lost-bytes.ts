import type { Finding } from "@reelgate/shared/contract/media";

/** Bytes inside a file that belong to nothing that can be played. */
export interface LostBytes {
  offset: number;
  bytes: number;
}

/** Collects what a scan had to skip. Keeps the first place and sums: a hostile file has as many as it likes. */
export interface LostBytesTally {
  add(lost: LostBytes): void;
  /** One `damaged` finding for all of them, or none. Its `actual` is the first offset. */
  findings(): readonly Finding[];
}

/** @param what What stood there instead of the right thing: "no ADTS frame". */
export function tallyLostBytes(what: string): LostBytesTally {
  let first: LostBytes | null = null;
  let places = 0;
  let totalBytes = 0;
  return {
    add(lost): void {
      first ??= lost;
      places += 1;
      totalBytes += lost.bytes;
    },
    findings(): readonly Finding[] {
      if (first === null) {
        return [];
      }
      const { offset, bytes } = first;
      const others = places === 1 ? "" : `, and in ${places - 1} more places ${totalBytes - bytes}`;
      return [
        {
          kind: "damaged",
          declared: null,
          actual: offset,
          detail: `From byte ${offset} on there is ${what}: ${bytes} bytes had to be skipped${others}.`,
        },
      ];
    },
  };
}
