import { uint32At, uint64At } from "../../../bytes/big-endian.ts";
import type { EventLoopTurns } from "../../../concurrency/event-loop-turns.ts";
import { type ByteSource, MAX_READ_BYTES } from "../../../source/byte-source.ts";
import type { Track } from "../movie.ts";
import type { Table } from "../sample-table.ts";
import type { SampleRun } from "./sample-tally.ts";

/** The chunks of one track in the order of their samples. */
export interface ChunkList {
  /** Null behind the last. */
  readonly next: SampleRun | null;
  advance(): void;
}

/** Numbers that are held of all tracks together: a day of pictures and sound has some 6 million samples. */
export const MAX_ENTRIES: number = 10_000_000;

/** How many numbers the lists of a track would hold. */
export function entriesOf({ samples }: Track): number {
  const tables = samples?.tables ?? new Map<string, Table>();
  const sizes = tables.get("stsz");
  return (
    (sizes === undefined || sizes.sharedSize > 0 ? 0 : sizes.count) +
    ((tables.get("co64") ?? tables.get("stco"))?.count ?? 0) +
    (tables.get("stsc")?.count ?? 0) * 2
  );
}

/** Reads the tables of a track. Null when it has none, or not all of them within the file. */
export async function readChunkList(
  source: ByteSource,
  track: Track,
  turns: EventLoopTurns,
): Promise<ChunkList | null> {
  const { id, samples } = track;
  const offsetTable = samples?.tables.get("co64") ?? samples?.tables.get("stco");
  const runTable = samples?.tables.get("stsc");
  const sizeTable = samples?.tables.get("stsz");
  if (
    samples === null ||
    offsetTable === undefined ||
    runTable === undefined ||
    sizeTable === undefined
  ) {
    return null;
  }
  const { sharedSize } = sizeTable;
  const column = async <T extends Column>(
    table: Table,
    fieldAt: number,
    type: new (length: number) => T,
  ): Promise<T | null> => await readColumn(source, table, fieldAt, type, turns);
  const offsets =
    offsetTable.entryBytes === 8
      ? await column(offsetTable, 0, Float64Array)
      : await column(offsetTable, 0, Uint32Array);
  const firstChunks = await column(runTable, 0, Uint32Array);
  const counts = await column(runTable, 4, Uint32Array);
  const sizes = sharedSize > 0 ? new Uint32Array() : await column(sizeTable, 0, Uint32Array);
  if (offsets === null || firstChunks === null || counts === null || sizes === null) {
    return null;
  }
  return createChunkList(
    { offsets, firstChunks, counts, sizes, sharedSize, sampleCount: sizeTable.count },
    { trackId: id, form: samples.form, hasNominalSizes: sharedSize > 0 },
  );
}

/** As narrow as the tables are: they are what a copy of many hours takes of the memory. */
type Column = Float64Array | Uint32Array;

interface Columns {
  offsets: Column;
  firstChunks: Uint32Array;
  counts: Uint32Array;
  sizes: Uint32Array;
  sharedSize: number;
  sampleCount: number;
}

function createChunkList(
  { offsets, firstChunks, counts, sizes, sharedSize, sampleCount }: Columns,
  constants: Pick<SampleRun, "trackId" | "form" | "hasNominalSizes">,
): ChunkList {
  let chunk = 0;
  let run = 0;
  let sample = 0;

  function current(): SampleRun | null {
    const offset = offsets[chunk];
    if (offset === undefined || sample >= sampleCount) {
      return null;
    }
    // Chunks count from 1 in the table.
    while ((firstChunks[run + 1] ?? Infinity) <= chunk + 1) {
      run += 1;
    }
    const first = sample;
    const count = Math.min(counts[run] ?? 0, sampleCount - first);
    // A size that all share makes one sample of the chunk: nothing of it is looked into.
    return sharedSize > 0
      ? { ...constants, offset, end: null, count: Math.min(count, 1), sizeOf: () => sharedSize }
      : { ...constants, offset, end: null, count, sizeOf: (index) => sizes[first + index] ?? 0 };
  }
  let next = current();
  return {
    get next(): SampleRun | null {
      return next;
    },
    advance(): void {
      sample += Math.min(counts[run] ?? 0, sampleCount - sample);
      chunk += 1;
      next = current();
    },
  };
}

/** One field of every entry, of 64 bits in floats. Null when the table does not lie within the file. */
async function readColumn<T extends Column>(
  source: ByteSource,
  { entriesStart, entryBytes, count }: Table,
  fieldAt: number,
  type: new (length: number) => T,
  turns: EventLoopTurns,
): Promise<T | null> {
  if (entriesStart + count * entryBytes > source.sizeBytes) {
    return null;
  }
  const numbers = new type(count);
  const numberAt = numbers instanceof Float64Array ? uint64At : uint32At;
  const perRead = Math.floor(MAX_READ_BYTES / 16 / entryBytes);
  for (let entry = 0; entry < count;) {
    const entries = Math.min(perRead, count - entry);
    const bytes = await source.read(entriesStart + entry * entryBytes, entries * entryBytes);
    for (let index = 0; index < entries; index += 1) {
      numbers[entry + index] = numberAt(bytes, index * entryBytes + fieldAt);
    }
    entry += entries;
    if (turns.isOver()) {
      await turns.next();
    }
  }
  return numbers;
}
