import { startTurns } from "../../concurrency/event-loop-turns.ts";
import { type ByteSource, MAX_READ_BYTES } from "../../source/byte-source.ts";
import { type BoxHeaderResult, MAX_HEADER_BYTES, parseBoxHeader } from "./box-header.ts";

/** A look at one far header. Two blocks where it begins late in the first: what follows it is usually wanted too. */
export const FAR_READ_BYTES = 16_384;

/** All that one report may fetch: far above what a sound file needs (256 KiB), far below what a hostile one could ask for. */
const MAX_FETCHED_BYTES = 8_388_608;
/** Reads of cached bytes cost little, but a hostile file could ask for them for ever. */
const MAX_READS = 50_000;

/** The report has used up what it may read. What it knows by then is still right. */
export class ReadLimitReached extends Error {
  constructor() {
    super("More of the file would have to be read than a report may read.");
  }
}

/** A source, within the bounds of one report. */
export interface BoxReader {
  readonly sizeBytes: number;
  /**
   * As `ByteSource.read`, of at most MAX_READ_BYTES. Fetches 16 KiB unless told otherwise.
   *
   * @throws ReadLimitReached, what the source throws, and the reason of the signal.
   */
  read(offset: number, length: number, fetchBytes?: number): Promise<Uint8Array>;
  /** The header at `offset` of something that ends at `limit`. */
  header(offset: number, limit: number, fetchBytes?: number): Promise<BoxHeaderResult>;
}

/** Starts the bounds of one report. */
export function createBoxReader(source: ByteSource, signal: AbortSignal): BoxReader {
  const fetchedBefore = source.fetchedBytes;
  const turns = startTurns(signal);
  let reads = 0;

  async function read(
    offset: number,
    length: number,
    fetchBytes: number = FAR_READ_BYTES,
  ): Promise<Uint8Array> {
    signal.throwIfAborted();
    reads += 1;
    if (source.fetchedBytes - fetchedBefore > MAX_FETCHED_BYTES || reads > MAX_READS) {
      throw new ReadLimitReached();
    }
    if (turns.isOver()) {
      await turns.next();
    }
    return await source.read(offset, Math.max(0, Math.min(length, MAX_READ_BYTES)), { fetchBytes });
  }

  return {
    sizeBytes: source.sizeBytes,
    read,
    async header(offset, limit, fetchBytes): Promise<BoxHeaderResult> {
      const end = Math.min(limit, source.sizeBytes);
      const bytes = await read(offset, Math.min(MAX_HEADER_BYTES, end - offset), fetchBytes);
      return parseBoxHeader(bytes, offset, limit);
    },
  };
}

/** The first `maxBytes` of the body of a box, in as many reads as it takes; fewer where the box or the file ends. */
export async function readBody(
  reader: BoxReader,
  box: { bodyStart: number; end: number },
  maxBytes: number,
): Promise<Uint8Array> {
  const end = Math.min(box.end, reader.sizeBytes, box.bodyStart + maxBytes);
  const first = await reader.read(box.bodyStart, end - box.bodyStart);
  if (box.bodyStart + first.length >= end || first.length === 0) {
    return first;
  }
  const parts = [first];
  for (let position = box.bodyStart + first.length; position < end;) {
    const part = await reader.read(position, end - position);
    if (part.length === 0) {
      break;
    }
    parts.push(part);
    position += part.length;
  }
  return new Uint8Array(Buffer.concat(parts));
}
