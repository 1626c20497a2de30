import { uint32At, uint64At, uint8At } from "../../bytes/big-endian.ts";
import { type Box, childBody, childBoxes } from "./box-header.ts";

/** What one track has in one fragment. Units are those of its timescale. */
export interface FragmentTrack {
  trackId: number;
  /** Decoding time of the first sample; null without `tfdt`. */
  startUnits: number | null;
  durationUnits: number;
  sampleCount: number;
  /** When the first sample is presented, and the last one ends, after the decoding time of the first. */
  presentedFromUnits: number;
  presentedToUnits: number;
}

/** Flags of `tfhd` and `trun` (ISO/IEC 14496-12, 8.8.7 and 8.8.8): which optional fields are there. */
const TFHD_BASE_OFFSET = 0x1;
const TFHD_DESCRIPTION = 0x2;
const TFHD_DURATION = 0x8;
const TRUN_DATA_OFFSET = 0x1;
const TRUN_FIRST_FLAGS = 0x4;
const TRUN_DURATION = 0x100;
const TRUN_SIZE = 0x200;
const TRUN_FLAGS = 0x400;
const TRUN_COMPOSITION = 0x800;

/**
 * Parses the body of a `moof` (ISO/IEC 14496-12, 8.8). Null when it is none: `mfhd` must come first, and every run must
 * have room for its samples.
 */
export function parseFragment(
  body: Uint8Array,
  defaultDurations: ReadonlyMap<number, number>,
): FragmentTrack[] | null {
  const [first, ...others] = childBoxes(body, 0);
  if (first?.type !== "mfhd") {
    return null;
  }
  const tracks: FragmentTrack[] = [];
  for (const box of others) {
    if (box.type === "traf") {
      const track = parseTrackFragment(body, box, defaultDurations);
      if (track === null) {
        return null;
      }
      tracks.push(track);
    }
  }
  return tracks;
}

function parseTrackFragment(
  moof: Uint8Array,
  traf: Box,
  defaultDurations: ReadonlyMap<number, number>,
): FragmentTrack | null {
  const header = childBody(moof, "tfhd", traf.bodyStart, traf.end);
  if (header === null || header.length < 8) {
    return null;
  }
  const trackId = uint32At(header, 4);
  const flags = uint32At(header, 0) & 0xff_ffff;
  const durationAt = 8 + has(flags, TFHD_BASE_OFFSET, 8) + has(flags, TFHD_DESCRIPTION, 4);
  const defaultDuration =
    (flags & TFHD_DURATION) === 0
      ? (defaultDurations.get(trackId) ?? 0)
      : uint32At(header, durationAt);
  const track: FragmentTrack = {
    trackId,
    startUnits: null,
    durationUnits: 0,
    sampleCount: 0,
    presentedFromUnits: Infinity,
    presentedToUnits: 0,
  };
  for (const box of childBoxes(moof, traf.bodyStart, traf.end)) {
    const body = moof.subarray(box.bodyStart, box.end);
    if (box.type === "tfdt" && body.length >= 8) {
      track.startUnits = uint8At(body, 0) === 1 ? uint64At(body, 4) : uint32At(body, 4);
    } else if (box.type === "trun" && !addRun(track, body, defaultDuration)) {
      return null;
    }
  }
  if (track.sampleCount === 0) {
    track.presentedFromUnits = 0;
  }
  return Number.isSafeInteger((track.startUnits ?? 0) + track.durationUnits) ? track : null;
}

function addRun(track: FragmentTrack, run: Uint8Array, defaultDuration: number): boolean {
  const flags = uint32At(run, 0) & 0xff_ffff;
  const count = uint32At(run, 4);
  const samplesStart = 8 + has(flags, TRUN_DATA_OFFSET, 4) + has(flags, TRUN_FIRST_FLAGS, 4);
  const compositionAt =
    has(flags, TRUN_DURATION, 4) + has(flags, TRUN_SIZE, 4) + has(flags, TRUN_FLAGS, 4);
  const sampleBytes = compositionAt + has(flags, TRUN_COMPOSITION, 4);
  if (run.length < 8 || count * sampleBytes > run.length - samplesStart) {
    return false;
  }
  const firstUnits = track.durationUnits;
  track.sampleCount += count;
  if ((flags & (TRUN_DURATION | TRUN_COMPOSITION)) === 0) {
    track.durationUnits += count * defaultDuration;
    present(track, count === 0 ? Infinity : firstUnits, track.durationUnits);
    return true;
  }
  const hasDurations = (flags & TRUN_DURATION) !== 0;
  const hasComposition = (flags & TRUN_COMPOSITION) !== 0;
  // Locals and a view are several times as fast as fields and single bytes, and half a million samples may be here.
  const view = new DataView(run.buffer, run.byteOffset, run.length);
  let units = firstUnits;
  let fromUnits = Infinity;
  let toUnits = 0;
  for (let position = samplesStart, sample = 0; sample < count; sample += 1) {
    const durationUnits = hasDurations ? view.getUint32(position) : defaultDuration;
    // Unsigned in version 0, but writers put negative offsets there too, and none is longer than 2^31 units.
    const shownUnits = hasComposition ? units + view.getInt32(position + compositionAt) : units;
    fromUnits = shownUnits < fromUnits ? shownUnits : fromUnits;
    toUnits = shownUnits + durationUnits > toUnits ? shownUnits + durationUnits : toUnits;
    units += durationUnits;
    position += sampleBytes;
  }
  track.durationUnits = units;
  present(track, fromUnits, toUnits);
  return true;
}

function present(track: FragmentTrack, fromUnits: number, toUnits: number): void {
  track.presentedFromUnits = Math.min(track.presentedFromUnits, fromUnits);
  track.presentedToUnits = Math.max(track.presentedToUnits, toUnits);
}

function has(flags: number, flag: number, bytes: number): number {
  return (flags & flag) === 0 ? 0 : bytes;
}
