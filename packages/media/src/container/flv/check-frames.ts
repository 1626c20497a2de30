import { createFrameChecker, type FrameChecker } from "../frame-checker.ts";
import type { FlvTag } from "./flv-tag.ts";

/** Bytes before the units of a frame of AVC: frame and codec, packet type, composition time. */
const AVC_HEADER_BYTES = 5;
const AVC_CODEC = 7;
const AVC_FRAME = 1;
const NAL_LENGTH_BYTES = 4;

/** Looks at the data of every tag: holes do not always hit its header. */
export interface FrameCheck {
  /** False when this data cannot be what the tag says. */
  isSound(tag: FlvTag, data: Uint8Array): boolean;
}

/** Starts with the first tag of a file. */
export function createFrameCheck(): FrameCheck {
  const avc: FrameChecker = createFrameChecker({ kind: "nal", lengthBytes: NAL_LENGTH_BYTES });
  const other: FrameChecker = createFrameChecker({ kind: "compressed" });
  return {
    isSound({ kind }, data): boolean {
      if (kind === "script") {
        return true;
      }
      const [first = 0, packetType] = data;
      const isAvc = kind === "video" && (first & 0x8f) === AVC_CODEC && packetType === AVC_FRAME;
      return isAvc ? avc.isSound(data.subarray(AVC_HEADER_BYTES)) : other.isSound(data);
    },
  };
}
