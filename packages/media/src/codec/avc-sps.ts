import { type BitReader, readBits, withoutEmulationPrevention } from "./bit-reader.ts";
import {
  chromaUnit,
  MAX_PARAMETER_SET_BYTES,
  readCropping,
  readTickRate,
  skipCommonVui,
  type VideoParameters,
  videoParameters,
} from "./video-parameters.ts";

const NAL_TYPE_SPS = 7;

/**
 * Reads the first sequence parameter set of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1), as MP4 keeps
 * it in `avcC` and FLV in the AVC sequence header. Null when there is none that can be read.
 */
export function parseAvcConfiguration(record: Uint8Array): VideoParameters | null {
  const [version, , , , , sets = 0, high = 0, low = 0] = record;
  const length = (high << 8) | low;
  if (version !== 1 || (sets & 0x1f) === 0 || 8 + length > record.length) {
    return null;
  }
  return parseAvcSps(record.subarray(8, 8 + length));
}

/** Profiles whose parameter sets tell chroma format, bit depth and scaling lists (H.264, 7.3.2.1.1). */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

const MACROBLOCK_PIXELS = 16;

/** Reads a sequence parameter set, a NAL unit with its header (ITU-T H.264, 7.3.2.1.1 and E.1.1). Total. */
export function parseAvcSps(nal: Uint8Array): VideoParameters | null {
  if (nal.length > MAX_PARAMETER_SET_BYTES || ((nal[0] ?? 0) & 0x1f) !== NAL_TYPE_SPS) {
    return null;
  }
  const bits = readBits(withoutEmulationPrevention(nal));
  bits.skip(8);
  const profile = bits.u(8);
  bits.skip(16);
  bits.ue(); // seq_parameter_set_id
  const chromaArrayType = HIGH_PROFILES.has(profile) ? readChromaArrayType(bits) : 1;
  bits.ue(); // log2_max_frame_num_minus4
  skipPictureOrderCount(bits);
  bits.ue(); // max_num_ref_frames
  bits.skip(1);
  const widthMacroblocks = bits.ue() + 1;
  const heightMapUnits = bits.ue() + 1;
  // Without frame_mbs_only_flag a map unit is a pair of macroblocks, one of each field.
  const isFramesOnly = bits.flag();
  if (!isFramesOnly) {
    bits.skip(1);
  }
  const fields = isFramesOnly ? 1 : 2;
  bits.skip(1); // direct_8x8_inference_flag
  const cropping = readCropping(bits);
  const unit = chromaUnit(chromaArrayType);
  const width = widthMacroblocks * MACROBLOCK_PIXELS - cropping.x * unit.width;
  const height = (heightMapUnits * MACROBLOCK_PIXELS - cropping.y * unit.height) * fields;
  if (bits.isOverrun) {
    return null;
  }
  return videoParameters(width, height, readFps(bits));
}

/** 0 for monochrome and for three planes coded on their own: their offsets count pixels (H.264, 7.4.2.1.1). */
function readChromaArrayType(bits: BitReader): number {
  const format = bits.ue();
  const isSeparate = format === 3 && bits.flag();
  bits.ue();
  bits.ue();
  bits.skip(1);
  if (bits.flag()) {
    const lists = format === 3 ? 12 : 8;
    for (let list = 0; list < lists; list += 1) {
      if (bits.flag()) {
        skipScalingList(bits, list < 6 ? 16 : 64);
      }
    }
  }
  return isSeparate ? 0 : format;
}

/** H.264, 7.3.2.1.1.1: once the next scale is 0, the rest of the list repeats the last one and is not coded. */
function skipScalingList(bits: BitReader, size: number): void {
  let last = 8;
  for (let index = 0; index < size && !bits.isOverrun; index += 1) {
    last = (((last + bits.se()) % 256) + 256) % 256;
    if (last === 0) {
      return;
    }
  }
}

const MAX_REF_FRAMES_IN_CYCLE = 255;

function skipPictureOrderCount(bits: BitReader): void {
  const type = bits.ue();
  if (type === 0) {
    bits.ue();
    return;
  }
  if (type !== 1) {
    return;
  }
  bits.skip(1);
  bits.se();
  bits.se();
  const cycle = Math.min(bits.ue(), MAX_REF_FRAMES_IN_CYCLE);
  for (let index = 0; index < cycle && !bits.isOverrun; index += 1) {
    bits.se();
  }
}

/** A tick is the time of a field: two make a frame (H.264, E.2.1). */
function readFps(bits: BitReader): number | null {
  if (!bits.flag()) {
    return null;
  }
  skipCommonVui(bits);
  const ticksPerSecond = readTickRate(bits);
  return ticksPerSecond === null ? null : ticksPerSecond / 2;
}
