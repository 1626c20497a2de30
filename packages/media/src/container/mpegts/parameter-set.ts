import { parseAvcSps } from "../../codec/avc-sps.ts";
import { parseHevcSps } from "../../codec/hevc-sps.ts";
import type { VideoParameters } from "../../codec/video-parameters.ts";

const PARSERS: Readonly<Record<"h264" | "hevc", (nal: Uint8Array) => VideoParameters | null>> = {
  h264: parseAvcSps,
  hevc: parseHevcSps,
};

/** The first sequence parameter set in a byte stream with start codes (H.264 and H.265, annex B); null without one. */
export function findParameterSet(
  bytes: Uint8Array,
  codec: "h264" | "hevc",
): VideoParameters | null {
  const parse = PARSERS[codec];
  let start = nextStartCode(bytes, 0);
  while (start !== null) {
    const next = nextStartCode(bytes, start);
    const nal = bytes.subarray(start, next === null ? bytes.length : next - 3);
    const found = parse(nal);
    if (found !== null) {
      return found;
    }
    start = next;
  }
  return null;
}

/** The position behind the next `00 00 01`. */
function nextStartCode(bytes: Uint8Array, from: number): number | null {
  for (let at = bytes.indexOf(1, from + 2); at !== -1; at = bytes.indexOf(1, at + 1)) {
    if (bytes[at - 1] === 0 && bytes[at - 2] === 0) {
      return at + 1;
    }
  }
  return null;
}
