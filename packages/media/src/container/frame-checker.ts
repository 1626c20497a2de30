import { checkNalUnits, isZero } from "../codec/nal-units.ts";

/** What the frames of a track are made of, as far as their bytes can be checked. */
export type FrameForm =
  /** H.264 and H.265, with the number of bytes that each length in them has. */
  | { kind: "nal"; lengthBytes: number }
  /** A codec of which no frame is nothing but zeros. */
  | { kind: "compressed" }
  /** Anything: uncompressed sound, text, what is encrypted. */
  | { kind: "any" };

/** Checks the frames of one track, one after the other. */
export interface FrameChecker {
  /** False when these bytes cannot be a frame. */
  isSound(frame: Uint8Array): boolean;
}

/** A shorter frame may be silence. */
const MIN_ZERO_FRAME_BYTES = 16;

/**
 * Starts with the first frame of a track. A frame with wrong lengths is damage only where the ones before it have right
 * ones: a writer with other habits is no hole.
 */
export function createFrameChecker(form: FrameForm): FrameChecker {
  let isFirst = true;
  let hasLengths = true;
  return {
    isSound(frame): boolean {
      if (form.kind === "any" || frame.length === 0) {
        return true;
      }
      if (form.kind === "compressed" || !hasLengths) {
        return frame.length < MIN_ZERO_FRAME_BYTES || frame[0] !== 0 || !isZero(frame);
      }
      const units = checkNalUnits(frame, form.lengthBytes);
      if (isFirst) {
        hasLengths = units !== "wrong_lengths";
      }
      isFirst &&= units === "zeros";
      return units === "whole" || (units === "wrong_lengths" && !hasLengths);
    },
  };
}
