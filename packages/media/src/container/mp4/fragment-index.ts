import { uint16At, uint32At, uint64At, uint8At } from "../../bytes/big-endian.ts";
import type { Box } from "./box-header.ts";
import { type BoxReader, readBody } from "./box-reader.ts";

/** What the segment index of one track covers (`sidx`, ISO/IEC 14496-12, 8.16.3). */
export interface SegmentIndex {
  trackId: number;
  timescale: number;
  /** Where the subsegments end in the file by their sizes. */
  coveredEnd: number;
  startS: number;
  /** Of all subsegments. */
  durationS: number;
  /** Of those that lie wholly within the file. */
  presentDurationS: number;
}

/** 65,535 references of 12 bytes, and the head. */
const MAX_SIDX_BYTES = 786_460;

/** Null when it is cut or says nothing. */
export async function readSegmentIndex(reader: BoxReader, sidx: Box): Promise<SegmentIndex | null> {
  const body = await readBody(reader, sidx, MAX_SIDX_BYTES);
  const isLong = uint8At(body, 0) === 1;
  const timescale = uint32At(body, 8);
  const earliest = isLong ? uint64At(body, 12) : uint32At(body, 12);
  const firstOffset = isLong ? uint64At(body, 20) : uint32At(body, 16);
  const countAt = isLong ? 30 : 22;
  const count = uint16At(body, countAt);
  const entriesStart = countAt + 2;
  if (timescale === 0 || count === 0 || body.length < entriesStart + count * 12) {
    return null;
  }
  let coveredEnd = sidx.end + firstOffset;
  let units = 0;
  let presentUnits = 0;
  for (let index = 0; index < count; index += 1) {
    const start = entriesStart + index * 12;
    // The first bit says that it refers to another index, whose subsegments its size and its duration include.
    coveredEnd += uint32At(body, start) & 0x7fff_ffff;
    units += uint32At(body, start + 4);
    presentUnits = coveredEnd <= reader.sizeBytes ? units : presentUnits;
  }
  if (!Number.isSafeInteger(coveredEnd) || !Number.isSafeInteger(earliest)) {
    return null;
  }
  return {
    trackId: uint32At(body, 4),
    timescale,
    coveredEnd,
    startS: earliest / timescale,
    durationS: units / timescale,
    presentDurationS: presentUnits / timescale,
  };
}

/** The index at the end of a fragmented file (`mfra`, ISO/IEC 14496-12, 8.8.9). */
export interface FragmentIndex {
  start: number;
  /** Offset of the last fragment of each track that is in it. */
  lastOffsets: { trackId: number; offset: number }[];
}

const TAIL_BYTES = 65_536;
const MFRO_BYTES = 16;
const MAX_MFRA_TRACKS = 64;

/** The `mfra` that the last 16 bytes of the file announce, or null. */
export async function readFragmentIndex(reader: BoxReader): Promise<FragmentIndex | null> {
  const { sizeBytes } = reader;
  const mfroStart = sizeBytes - MFRO_BYTES;
  if (mfroStart < 0) {
    return null;
  }
  // The index, and of short fragments the last one: all of it in one request, if it is there.
  await reader.read(Math.max(0, sizeBytes - TAIL_BYTES), TAIL_BYTES, TAIL_BYTES);
  const mfro = await reader.header(mfroStart, sizeBytes);
  if (mfro.kind !== "box" || mfro.box.type !== "mfro" || mfro.box.end !== sizeBytes) {
    return null;
  }
  const start = sizeBytes - uint32At(await reader.read(mfroStart, MFRO_BYTES), 12);
  if (start < 0 || start >= mfroStart) {
    return null;
  }
  const mfra = await reader.header(start, sizeBytes);
  if (mfra.kind !== "box" || mfra.box.type !== "mfra" || mfra.box.end !== sizeBytes) {
    return null;
  }
  const lastOffsets: FragmentIndex["lastOffsets"] = [];
  for (let at = mfra.box.bodyStart; at < mfroStart && lastOffsets.length < MAX_MFRA_TRACKS;) {
    const header = await reader.header(at, sizeBytes);
    if (header.kind !== "box" || header.box.end > sizeBytes) {
      return null;
    }
    const last = header.box.type === "tfra" ? await readLastAccess(reader, header.box) : null;
    if (last !== null) {
      lastOffsets.push(last);
    }
    at = header.box.end;
  }
  return { start, lastOffsets };
}

/** The last entry of a `tfra` (8.8.10), without those before it. */
async function readLastAccess(
  reader: BoxReader,
  tfra: Box,
): Promise<{ trackId: number; offset: number } | null> {
  const head = await readBody(reader, tfra, 16);
  const isLong = uint8At(head, 0) === 1;
  const lengths = uint8At(head, 11);
  const numberBytes = 3 + ((lengths >> 4) & 3) + ((lengths >> 2) & 3) + (lengths & 3);
  const entryBytes = (isLong ? 16 : 8) + numberBytes;
  const count = uint32At(head, 12);
  const lastStart = tfra.bodyStart + 16 + (count - 1) * entryBytes;
  if (head.length < 16 || count === 0 || lastStart + entryBytes > tfra.end) {
    return null;
  }
  const entry = await reader.read(lastStart, entryBytes);
  const offset = isLong ? uint64At(entry, 8) : uint32At(entry, 4);
  return Number.isSafeInteger(offset) ? { trackId: uint32At(head, 4), offset } : null;
}
