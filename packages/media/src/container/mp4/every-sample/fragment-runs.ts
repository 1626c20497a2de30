import { int32At, uint32At, uint64At } from "../../../bytes/big-endian.ts";
import { type Box, childBody, childBoxes } from "../box-header.ts";
import type { Movie } from "../movie.ts";
import type { SampleRun } from "./sample-tally.ts";

/** Flags of `tfhd` and `trun` (ISO/IEC 14496-12, 8.8.7 and 8.8.8). */
const TFHD_BASE_OFFSET = 0x1;
const TFHD_DESCRIPTION = 0x2;
const TFHD_DURATION = 0x8;
const TFHD_SIZE = 0x10;
const TFHD_BASE_IS_MOOF = 0x2_0000;
const TRUN_DATA_OFFSET = 0x1;
const TRUN_FIRST_FLAGS = 0x4;
const TRUN_DURATION = 0x100;
const TRUN_SIZE = 0x200;
const SAMPLE_FIELDS: readonly number[] = [TRUN_DURATION, TRUN_SIZE, 0x400, 0x800];

/** The number of a fragment in its file, from `mfhd`. */
export function sequenceOf(body: Uint8Array): number {
  return uint32At(childBody(body, "mfhd", 0) ?? new Uint8Array(), 4);
}

/** Where the samples of a fragment lie. The body must have passed `parseFragment`: every run has room for its samples. */
export function* runsOf(
  body: Uint8Array,
  moof: Box,
  movie: Movie,
): Generator<SampleRun, void, undefined> {
  let previousEnd = moof.start;
  for (const traf of childBoxes(body, 0)) {
    if (traf.type !== "traf") {
      continue;
    }
    const header = childBody(body, "tfhd", traf.bodyStart, traf.end) ?? new Uint8Array();
    const flags = uint32At(header, 0) & 0xff_ffff;
    const trackId = uint32At(header, 4);
    const sizeAt =
      8 +
      (flags & TFHD_BASE_OFFSET ? 8 : 0) +
      (flags & TFHD_DESCRIPTION ? 4 : 0) +
      (flags & TFHD_DURATION ? 4 : 0);
    const defaultSize =
      flags & TFHD_SIZE
        ? uint32At(header, sizeAt)
        : (movie.fragments?.defaultSizes.get(trackId) ?? 0);
    const base =
      flags & TFHD_BASE_OFFSET
        ? uint64At(header, 8)
        : flags & TFHD_BASE_IS_MOOF
          ? moof.start
          : previousEnd;
    const track = movie.tracks.find(({ id }) => id === trackId);
    const form = track?.samples?.form ?? { kind: "any" };
    let end = base;
    for (const box of childBoxes(body, traf.bodyStart, traf.end)) {
      if (box.type === "trun") {
        const run = parseRun(body.subarray(box.bodyStart, box.end), base, end, defaultSize);
        yield { trackId, form, hasNominalSizes: false, ...run };
        end = run.end;
      }
    }
    previousEnd = end;
  }
}

function parseRun(
  run: Uint8Array,
  base: number,
  previousEnd: number,
  defaultSize: number,
): Pick<SampleRun, "offset" | "count" | "sizeOf"> & { end: number } {
  const flags = uint32At(run, 0) & 0xff_ffff;
  const count = uint32At(run, 4);
  const offset = flags & TRUN_DATA_OFFSET ? base + int32At(run, 8) : previousEnd;
  if ((flags & TRUN_SIZE) === 0) {
    return { offset, count, sizeOf: () => defaultSize, end: offset + count * defaultSize };
  }
  const samplesStart = 8 + (flags & TRUN_DATA_OFFSET ? 4 : 0) + (flags & TRUN_FIRST_FLAGS ? 4 : 0);
  const sampleBytes = SAMPLE_FIELDS.filter((field) => (flags & field) !== 0).length * 4;
  const sizeAt = samplesStart + (flags & TRUN_DURATION ? 4 : 0);
  const sizeOf = (index: number): number => uint32At(run, sizeAt + index * sampleBytes);
  let end = offset;
  for (let index = 0; index < count; index += 1) {
    end += sizeOf(index);
  }
  return { offset, count, sizeOf, end };
}
