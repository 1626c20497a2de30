import { uint16At } from "../bytes/big-endian.ts";
import { type BitReader, readBits, withoutEmulationPrevention } from "./bit-reader.ts";
import { skipShortTermRefPicSets } from "./hevc-ref-pic-sets.ts";
import {
  chromaUnit,
  MAX_PARAMETER_SET_BYTES,
  readCropping,
  readTickRate,
  skipCommonVui,
  type VideoParameters,
  videoParameters,
} from "./video-parameters.ts";

const NAL_TYPE_SPS = 33;
const RECORD_HEADER_BYTES = 23;

/**
 * Reads the first sequence parameter set of an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1), as MP4 keeps
 * it in `hvcC` and FLV in the HEVC sequence header. Null when there is none that can be read.
 */
export function parseHevcConfiguration(record: Uint8Array): VideoParameters | null {
  const arrays = record[RECORD_HEADER_BYTES - 1] ?? 0;
  let position = RECORD_HEADER_BYTES;
  for (let array = 0; array < arrays; array += 1) {
    const type = (record[position] ?? 0) & 0x3f;
    const units = uint16At(record, position + 1);
    position += 3;
    for (let unit = 0; unit < units; unit += 1) {
      const length = uint16At(record, position);
      const nal = record.subarray(position + 2, position + 2 + length);
      position += 2 + length;
      if (position > record.length) {
        return null;
      }
      if (type === NAL_TYPE_SPS) {
        return parseHevcSps(nal);
      }
    }
  }
  return null;
}

/** Reads a sequence parameter set, a NAL unit with its header (ITU-T H.265, 7.3.2.2.1 and E.2.1). Total. */
export function parseHevcSps(nal: Uint8Array): VideoParameters | null {
  if (nal.length > MAX_PARAMETER_SET_BYTES || (((nal[0] ?? 0) >> 1) & 0x3f) !== NAL_TYPE_SPS) {
    return null;
  }
  const bits = readBits(withoutEmulationPrevention(nal));
  bits.skip(16 + 4);
  const subLayers = bits.u(3);
  bits.skip(1);
  skipProfileTierLevel(bits, subLayers);
  bits.ue(); // sps_seq_parameter_set_id
  const chromaFormat = bits.ue();
  const isSeparate = chromaFormat === 3 && bits.flag();
  const codedWidth = bits.ue();
  const codedHeight = bits.ue();
  const window = readCropping(bits);
  if (bits.isOverrun) {
    return null;
  }
  const unit = chromaUnit(isSeparate ? 0 : chromaFormat);
  return videoParameters(
    codedWidth - window.x * unit.width,
    codedHeight - window.y * unit.height,
    readFps(bits, subLayers),
  );
}

/** H.265, 7.3.3: 88 bits of profile and 8 of level, then the same for each sub-layer that has them. */
function skipProfileTierLevel(bits: BitReader, subLayers: number): void {
  bits.skip(96);
  if (subLayers === 0) {
    return;
  }
  let skipped = 0;
  for (let layer = 0; layer < 8; layer += 1) {
    // From the last sub-layer to the eighth these are reserved zero bits.
    const hasProfile = bits.flag();
    const hasLevel = bits.flag();
    skipped += layer < subLayers ? (hasProfile ? 88 : 0) + (hasLevel ? 8 : 0) : 0;
  }
  bits.skip(skipped);
}

/** From the conformance window on to the timing of the VUI. */
function readFps(bits: BitReader, subLayers: number): number | null {
  bits.ue();
  bits.ue();
  const pictureOrderBits = bits.ue() + 4;
  const orderedLayers = bits.flag() ? subLayers + 1 : 1;
  for (let value = 0; value < orderedLayers * 3 + 6; value += 1) {
    bits.ue(); // limits of the sub-layers, then sizes of coding and transform blocks
  }
  if (bits.flag() && bits.flag()) {
    skipScalingLists(bits);
  }
  bits.skip(2);
  if (bits.flag()) {
    bits.skip(8); // bit depths of PCM samples
    bits.ue();
    bits.ue();
    bits.skip(1);
  }
  if (!skipShortTermRefPicSets(bits) || pictureOrderBits > 16) {
    return null;
  }
  if (bits.flag()) {
    bits.skip(Math.min(bits.ue(), 33) * (pictureOrderBits + 1));
  }
  bits.skip(2);
  if (!bits.flag()) {
    return null;
  }
  skipCommonVui(bits);
  bits.skip(3);
  readCropping(bits);
  return readTickRate(bits);
}

/** H.265, 7.3.4. */
function skipScalingLists(bits: BitReader): void {
  for (let sizeId = 0; sizeId < 4; sizeId += 1) {
    for (let matrix = 0; matrix < 6; matrix += sizeId === 3 ? 3 : 1) {
      if (!bits.flag()) {
        bits.ue();
        continue;
      }
      const coefficients = Math.min(64, 1 << (4 + sizeId * 2)) + (sizeId > 1 ? 1 : 0);
      for (let index = 0; index < coefficients && !bits.isOverrun; index += 1) {
        bits.se();
      }
    }
  }
}
