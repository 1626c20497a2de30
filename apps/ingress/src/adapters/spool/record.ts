import { crc32 } from "node:zlib";
import { callbackJobId, callbackJobSchema } from "@reelgate/shared/contract/jobs";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import type { SpooledCallback } from "../../ingest/ports.ts";

/**
 * One callback in a segment file:
 *
 *     magic "RGcb" | length, u32 | CRC-32 of the payload, u32 | payload: the job as JSON in UTF-8
 *
 * Numbers are little-endian. The magic is there to find the next record behind bytes that went bad. The checksum tells a
 * record that was written whole from one that was not; that its bytes are the right ones is told by the callback's id,
 * which is the digest of its body and is made again from it.
 */
const MAGIC = Buffer.from("RGcb");
const HEADER_BYTES = 12;

/** A body of 16 MiB, the most that can be configured, is six times as long when JSON escapes all of it. */
const MAX_PAYLOAD_BYTES = 128 * 1024 * 1024;

export function encodeRecord(job: CallbackJob): Buffer {
  const payload = Buffer.from(JSON.stringify(job));
  const record = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  MAGIC.copy(record);
  record.writeUInt32LE(payload.length, 4);
  record.writeUInt32LE(crc32(payload), 8);
  payload.copy(record, HEADER_BYTES);
  return record;
}

/**
 * What is in a segment. `damagedBytes` lie before a whole record, or are one that has its length and not its content;
 * `tornBytes` are the beginning of one that was not written to its end.
 */
export interface DecodedSegment {
  callbacks: SpooledCallback[];
  damagedBytes: number;
  tornBytes: number;
}

/**
 * Reads a segment of any content: every whole record is found, whatever lies between them.
 *
 * A tail that is too short for its record is what a crash leaves of a write that nobody was answered for. Anything else
 * that is no record is none of ours: the disk has lost something that may have been acknowledged.
 */
export function decodeSegment(bytes: Buffer): DecodedSegment {
  const callbacks: SpooledCallback[] = [];
  let damagedBytes = 0;
  let end = 0;
  let position = bytes.indexOf(MAGIC);
  while (position !== -1) {
    const record = decodeRecord(bytes, position);
    if (record === null) {
      position = bytes.indexOf(MAGIC, position + 1);
    } else {
      callbacks.push(record.callback);
      damagedBytes += position - end;
      end = record.end;
      position = bytes.indexOf(MAGIC, end);
    }
  }
  const rest = bytes.length - end;
  return isCutOff(bytes.subarray(end))
    ? { callbacks, damagedBytes, tornBytes: rest }
    : { callbacks, damagedBytes: damagedBytes + rest, tornBytes: 0 };
}

/** Whether these bytes are the beginning of a record; of nothing, they are. */
function isCutOff(tail: Buffer): boolean {
  const magic = tail.subarray(0, MAGIC.length);
  if (!magic.equals(MAGIC.subarray(0, magic.length))) return false;
  return tail.length < HEADER_BYTES || HEADER_BYTES + tail.readUInt32LE(4) > tail.length;
}

function decodeRecord(
  bytes: Buffer,
  start: number,
): { callback: SpooledCallback; end: number } | null {
  const from = start + HEADER_BYTES;
  if (from > bytes.length) return null;
  const length = bytes.readUInt32LE(start + 4);
  const end = from + length;
  if (length > MAX_PAYLOAD_BYTES || end > bytes.length) return null;
  const payload = bytes.subarray(from, end);
  if (crc32(payload) !== bytes.readUInt32LE(start + 8)) return null;
  const job = parseJob(payload.toString("utf8"));
  return job === null
    ? null
    : { callback: { jobId: callbackJobId(Buffer.from(job.body)), job }, end };
}

function parseJob(text: string): CallbackJob | null {
  try {
    return callbackJobSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
