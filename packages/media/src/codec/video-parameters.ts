import type { BitReader } from "./bit-reader.ts";

/** What a sequence parameter set says of the pictures as they are shown. */
export interface VideoParameters {
  /** In pixels, after cropping; not scaled by the aspect ratio of the pixels. */
  width: number;
  height: number;
  /** From the timing of the VUI; null when it has none. A hint: encoders of variable rates write what they like. */
  fps: number | null;
}

/** Longest parameter set that is read. Real ones have some tens of bytes, with scaling lists some hundreds. */
export const MAX_PARAMETER_SET_BYTES = 4096;

/** Larger than any level of H.264 and H.265 allows (8,192 × 4,320 and 16,384 × 8,704, any shape). */
const MAX_SIDE_PIXELS = 65_536;

/** Null for a picture of no size or of one that no decoder takes: then the parameters are foreign bytes. */
export function videoParameters(
  width: number,
  height: number,
  fps: number | null,
): VideoParameters | null {
  const isPossible = (side: number): boolean => side > 0 && side <= MAX_SIDE_PIXELS;
  return isPossible(width) && isPossible(height) ? { width, height, fps } : null;
}

/** Width and height of what the offsets of a cropping rectangle count, by chroma format (H.264 table 6-1). */
export function chromaUnit(chromaFormat: number): { width: number; height: number } {
  return {
    width: chromaFormat === 1 || chromaFormat === 2 ? 2 : 1,
    height: chromaFormat === 1 ? 2 : 1,
  };
}

/** What a rectangle cuts off: left and right together, top and bottom together, in chroma units. */
export interface Cropping {
  x: number;
  y: number;
}

/** Reads the four offsets behind their flag; without the flag there is no cropping. */
export function readCropping(bits: BitReader): Cropping {
  if (!bits.flag()) {
    return { x: 0, y: 0 };
  }
  const [left, right, top, bottom] = [bits.ue(), bits.ue(), bits.ue(), bits.ue()];
  return { x: left + right, y: top + bottom };
}

const EXTENDED_SAMPLE_ASPECT_RATIO = 255;

/** Skips the part of the VUI that H.264 (E.1.1) and H.265 (E.2.1) have in common, up to the chroma locations. */
export function skipCommonVui(bits: BitReader): void {
  if (bits.flag() && bits.u(8) === EXTENDED_SAMPLE_ASPECT_RATIO) {
    bits.skip(32);
  }
  if (bits.flag()) {
    bits.skip(1); // overscan_appropriate_flag
  }
  if (bits.flag()) {
    bits.skip(4); // video_format, video_full_range_flag
    if (bits.flag()) {
      bits.skip(24); // colour_primaries, transfer_characteristics, matrix_coefficients
    }
  }
  if (bits.flag()) {
    bits.ue();
    bits.ue();
  }
}

/** Ticks per second by the two numbers behind the timing flag; null when it is not set or they make no sense. */
export function readTickRate(bits: BitReader): number | null {
  if (!bits.flag()) {
    return null;
  }
  const unitsInTick = bits.u(32);
  const timeScale = bits.u(32);
  return !bits.isOverrun && unitsInTick > 0 && timeScale > 0 ? timeScale / unitsInTick : null;
}
