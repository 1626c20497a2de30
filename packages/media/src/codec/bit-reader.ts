/** Reads numbers bit by bit, most significant first. Total: beyond the end there are zeros, and `isOverrun` tells. */
export interface BitReader {
  /** An unsigned number of up to 32 bits. */
  u(bits: number): number;
  flag(): boolean;
  /** Unsigned Exp-Golomb code (H.264 and H.265, 9.1 and 9.2). One of more than 32 bits counts as an overrun. */
  ue(): number;
  /** Signed Exp-Golomb code. */
  se(): number;
  skip(bits: number): void;
  /** True when more was read than there is: nothing that was read can be relied on. */
  readonly isOverrun: boolean;
}

const MAX_EXP_GOLOMB_ZEROS = 31;

export function readBits(bytes: Uint8Array): BitReader {
  const endBit = bytes.length * 8;
  let position = 0;
  let isOverrun = false;

  function skip(bits: number): void {
    position += bits;
    if (position > endBit) {
      position = endBit;
      isOverrun = true;
    }
  }
  function u(bits: number): number {
    let value = 0;
    for (let index = position; index < position + bits; index += 1) {
      value = value * 2 + (((bytes[index >> 3] ?? 0) >> (7 - (index & 7))) & 1);
    }
    skip(bits);
    return value;
  }
  function ue(): number {
    let zeros = 0;
    while (!isOverrun && u(1) === 0) {
      zeros += 1;
      if (zeros > MAX_EXP_GOLOMB_ZEROS) {
        isOverrun = true;
      }
    }
    return isOverrun ? 0 : 2 ** zeros - 1 + u(zeros);
  }
  return {
    u,
    flag: () => u(1) === 1,
    ue,
    se(): number {
      const code = ue();
      return code % 2 === 0 ? -code / 2 : (code + 1) / 2;
    },
    skip,
    get isOverrun(): boolean {
      return isOverrun;
    },
  };
}

/** The payload of a NAL unit without its emulation prevention bytes (H.264 7.3.1, H.265 7.3.1.1). */
export function withoutEmulationPrevention(nal: Uint8Array): Uint8Array {
  const payload = new Uint8Array(nal.length);
  let length = 0;
  let zeros = 0;
  for (const byte of nal) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    payload[length] = byte;
    length += 1;
  }
  return payload.subarray(0, length);
}
