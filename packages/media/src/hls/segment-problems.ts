/** Why a segment cannot be played as it is. `text` without subject and full stop: "is an HTML document". */
export interface SegmentProblem {
  kind: "short_segment" | "corrupt_segment";
  text: string;
}

export const EMPTY: SegmentProblem = { kind: "short_segment", text: "is empty" };

export const WRONG_PADDING: SegmentProblem = {
  kind: "corrupt_segment",
  text: "does not end in the padding of AES: its end is missing, or it was encrypted otherwise",
};

/** Cut exactly between two packets: nothing in the segment itself shows it. */
export const ENDS_EARLY: SegmentProblem = {
  kind: "short_segment",
  text: "ends too early: the next segment does not go on with the packet behind its last one",
};

/** @param size For people: "1,000 bytes". */
export function cutPacket(size: string): SegmentProblem {
  return {
    kind: "short_segment",
    text: `ends inside a TS packet: ${size} are no multiple of 188`,
  };
}

export function noPacket(at: number): SegmentProblem {
  return { kind: "corrupt_segment", text: `has no TS packet where one must begin, at byte ${at}` };
}

export function missingPackets(at: number): SegmentProblem {
  return {
    kind: "corrupt_segment",
    text: `has a hole: before byte ${at} packets are missing, as the counters of the others show`,
  };
}

export function cutBlock(sizeBytes: number): SegmentProblem {
  return {
    kind: "short_segment",
    text: `ends inside a block of AES: ${sizeBytes} bytes are no multiple of 16`,
  };
}

/** @param problem What comes out of the decryption. */
export function undecryptable({ text }: SegmentProblem): SegmentProblem {
  return {
    kind: "corrupt_segment",
    text: `does not decrypt to media with its key: what comes out ${text}`,
  };
}
