import { uint32At, uint64At } from "../../bytes/big-endian.ts";
import { type Box, MAX_HEADER_BYTES } from "./box-header.ts";
import { type BoxReader, readBody } from "./box-reader.ts";
import type { FrameForm } from "../frame-checker.ts";
import { frameFormOf } from "./frame-form.ts";
import { childrenOf, nameOf, type Problems } from "./children.ts";
import { parseSampleDescription, type SampleEntry } from "./sample-entry.ts";

/** What the sample table of a track says (ISO/IEC 14496-12, 8.5 to 8.7), read without any of its long tables. */
export interface SampleTable {
  entry: SampleEntry | null;
  /** Null when it was not looked for, since there are many. */
  sampleCount: number | null;
  /** Of all samples together, in units of the media. Null when the times are too many to be read. */
  durationUnits: number | null;
  /** Where the last chunk ends in the file. Null when it was not looked for or cannot be told. */
  lastChunkEnd: number | null;
  /** By type. Only those that were looked at: all of them in a thorough look. */
  tables: ReadonlyMap<string, Table>;
  form: FrameForm;
}

export interface SampleTableOptions {
  handler: string;
  timescale: number;
  /** Looks at every table, and where the last chunk ends: a jump for each. Else no further than the times of the samples. */
  isThorough: boolean;
}

/** Recordings with a steady rate have one to three runs of equal times; so many are still read. */
const MAX_TIME_RUNS = 1024;
/** A sample description holds parameter sets; 64 KiB is far more than any needs. */
const MAX_DESCRIPTION_BYTES = 65_536;
/** A last chunk with more samples than this is not measured: 16 KiB of sizes. */
const MAX_CHUNK_SAMPLES = 4096;

/** Bytes before the entries, and of one entry, in bodies that begin with version, flags and a count. */
const TABLES: Readonly<Record<string, { countAt: number; entryBytes: number }>> = {
  stts: { countAt: 4, entryBytes: 8 },
  ctts: { countAt: 4, entryBytes: 8 },
  stss: { countAt: 4, entryBytes: 4 },
  stsc: { countAt: 4, entryBytes: 12 },
  stsz: { countAt: 8, entryBytes: 4 },
  stco: { countAt: 4, entryBytes: 4 },
  co64: { countAt: 4, entryBytes: 8 },
};

/** A table of which only the head has been read. */
export interface Table {
  entriesStart: number;
  entryBytes: number;
  count: number;
  /** Of `stsz`: the size that all samples have, or 0. */
  sharedSize: number;
}

/** Reads a sample table. Its cost does not depend on the number of samples. */
export async function readSampleTable(
  reader: BoxReader,
  stbl: Box,
  options: SampleTableOptions,
  problems: Problems,
): Promise<SampleTable> {
  const tables = new Map<string, Table>();
  let entry: SampleEntry | null = null;
  let form: FrameForm = { kind: "any" };
  let times: { count: number; durationUnits: number } | null = null;
  for await (const box of childrenOf(reader, stbl, problems, { fetchBytes: MAX_HEADER_BYTES })) {
    if (box.type === "stsd") {
      const body = await readBody(reader, box, MAX_DESCRIPTION_BYTES);
      entry = parseSampleDescription(body, options.handler, options.timescale);
      form = frameFormOf(body);
      continue;
    }
    const table = await readTableHead(reader, box, problems);
    if (table === null) {
      continue;
    }
    tables.set(box.type, table);
    if (box.type === "stts") {
      times = await readTimes(reader, table);
    }
    // Behind the times come the long tables. Only pictures are counted, and by stsz where the times are too many: live
    // recordings of jittering clocks have one run for every few frames.
    const isCounted = times !== null || tables.has(options.handler === "vide" ? "stsz" : "stts");
    if (!options.isThorough && entry !== null && isCounted) {
      break;
    }
  }
  return {
    entry,
    // Without any table of samples there are none.
    sampleCount: times?.count ?? tables.get("stsz")?.count ?? (tables.has("stts") ? null : 0),
    durationUnits: times?.durationUnits ?? null,
    lastChunkEnd: options.isThorough ? await readLastChunkEnd(reader, tables) : null,
    tables,
    form,
  };
}

/** Whether a track has samples in its moov, rather than all of them in fragments. */
export function holdsSamples(table: SampleTable | null): boolean {
  return table !== null && table.sampleCount !== 0;
}

async function readTableHead(
  reader: BoxReader,
  box: Box,
  problems: Problems,
): Promise<Table | null> {
  const layout = TABLES[box.type];
  if (layout === undefined) {
    return null;
  }
  const headBytes = layout.countAt + 4;
  const head = await readBody(reader, box, headBytes);
  if (head.length < headBytes) {
    if (box.end <= reader.sizeBytes) {
      problems.add(`${nameOf(box)} is too short`);
    }
    return null;
  }
  const count = uint32At(head, layout.countAt);
  const sharedSize = box.type === "stsz" ? uint32At(head, 4) : 0;
  const room = Math.floor((box.end - box.bodyStart - headBytes) / layout.entryBytes);
  if (sharedSize === 0 && count > room) {
    problems.add(`${nameOf(box)} says ${count} entries and has room for ${room}`);
    return null;
  }
  const entriesStart = box.bodyStart + headBytes;
  return { entriesStart, entryBytes: layout.entryBytes, count, sharedSize };
}

async function readTimes(
  reader: BoxReader,
  stts: Table,
): Promise<{ count: number; durationUnits: number } | null> {
  if (stts.count > MAX_TIME_RUNS) {
    return null;
  }
  const bytes = await readEntries(reader, stts, 0, stts.count);
  if (bytes === null) {
    return null;
  }
  let count = 0;
  let durationUnits = 0;
  for (let position = 0; position < bytes.length; position += stts.entryBytes) {
    const samples = uint32At(bytes, position);
    count += samples;
    durationUnits += samples * uint32At(bytes, position + 4);
  }
  return { count, durationUnits };
}

/** The end of the last chunk by its offset, the number of its samples and their sizes. */
async function readLastChunkEnd(
  reader: BoxReader,
  tables: ReadonlyMap<string, Table>,
): Promise<number | null> {
  const offsets = tables.get("co64") ?? tables.get("stco");
  const runs = tables.get("stsc");
  const sizes = tables.get("stsz");
  if (offsets === undefined || runs === undefined || sizes === undefined) {
    return null;
  }
  const offset = await readEntries(reader, offsets, offsets.count - 1, 1);
  const run = await readEntries(reader, runs, runs.count - 1, 1);
  if (offset === null || run === null) {
    return null;
  }
  const samples = uint32At(run, 4);
  const start = offsets.entryBytes === 8 ? uint64At(offset, 0) : uint32At(offset, 0);
  if (sizes.sharedSize > 0) {
    return start + samples * sizes.sharedSize;
  }
  if (samples > Math.min(sizes.count, MAX_CHUNK_SAMPLES)) {
    return null;
  }
  const last = await readEntries(reader, sizes, sizes.count - samples, samples);
  if (last === null) {
    return null;
  }
  let end = start;
  for (let position = 0; position < last.length; position += 4) {
    end += uint32At(last, position);
  }
  return end;
}

/** Null when there are none, or when they are not all within the file. */
async function readEntries(
  reader: BoxReader,
  table: Table,
  first: number,
  count: number,
): Promise<Uint8Array | null> {
  if (first < 0) {
    return null;
  }
  const length = count * table.entryBytes;
  const bytes = await reader.read(table.entriesStart + first * table.entryBytes, length);
  return bytes.length === length ? bytes : null;
}
