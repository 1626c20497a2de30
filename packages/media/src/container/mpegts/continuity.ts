import { TS_PACKET_BYTES, TS_SYNC_BYTE } from "./packet.ts";

/**
 * The continuity counters of a stretch of packets by PID (ISO/IEC 13818-1, 2.4.3.3): each packet with a payload counts
 * one on, modulo 16, so that packets which are missing show in the next one.
 */
export interface ContinuityCounters {
  /** Null for a PID whose first packet announces a discontinuity itself. */
  first: ReadonlyMap<number, number | null>;
  last: ReadonlyMap<number, number>;
}

const NULL_PACKETS_PID = 0x1fff;

/** Bytes of a packet that `packetCounter` reads. */
export const COUNTER_HEADER_BYTES = 6;

/** What a packet counts; null for one that does not: a null packet, or one without payload. */
export function packetCounter(
  bytes: Uint8Array,
  start: number,
): { pid: number; counter: number; isAnnounced: boolean } | null {
  const b3 = bytes[start + 3] ?? 0;
  const pid = (((bytes[start + 1] ?? 0) & 0x1f) << 8) | (bytes[start + 2] ?? 0);
  if (pid === NULL_PACKETS_PID || (b3 & 0x10) === 0) {
    return null;
  }
  const adaptationBytes = (b3 & 0x20) === 0 ? 0 : (bytes[start + 4] ?? 0);
  const isAnnounced = adaptationBytes > 0 && ((bytes[start + 5] ?? 0) & 0x80) !== 0;
  return { pid, counter: b3 & 0x0f, isAnnounced };
}

/** A packet may be sent twice, with the same counter. */
export function goesOn(counter: number, next: number): boolean {
  return next === counter || next === ((counter + 1) & 0x0f);
}

/** Reads the counters of whole packets from the first byte on, as far as the sync bytes go. */
export function continuityCounters(bytes: Uint8Array): ContinuityCounters {
  const first = new Map<number, number | null>();
  const last = new Map<number, number>();
  for (let start = 0; start + TS_PACKET_BYTES <= bytes.length; start += TS_PACKET_BYTES) {
    if (bytes[start] !== TS_SYNC_BYTE) {
      break;
    }
    const packet = packetCounter(bytes, start);
    if (packet !== null) {
      const { pid, counter, isAnnounced } = packet;
      if (!first.has(pid)) {
        first.set(pid, isAnnounced ? null : counter);
      }
      last.set(pid, counter);
    }
  }
  return { first, last };
}

/** How the packets go on from one segment to the next. `unknown`: they share no PID that could tell. */
export type Boundary = "continuous" | "restarted" | "gap" | "unknown";

/** Compares the last counters of a segment with the first of the one behind it. */
export function compareCounters(before: ContinuityCounters, after: ContinuityCounters): Boundary {
  let compared = 0;
  let broken = 0;
  let atZero = 0;
  for (const [pid, counter] of before.last) {
    const next = after.first.get(pid);
    if (next === undefined || next === null) {
      continue;
    }
    compared += 1;
    atZero += next === 0 ? 1 : 0;
    broken += goesOn(counter, next) ? 0 : 1;
  }
  if (compared === 0) {
    return "unknown";
  }
  if (broken === 0) {
    return "continuous";
  }
  return atZero === compared ? "restarted" : "gap";
}

/** So many boundaries must be continuous for each gap before a gap counts: by chance one of 16 is, for each PID. */
const CONTINUOUS_PER_GAP = 2;

/**
 * The boundaries at which packets are missing, by index. Whether counters go on across segments is a habit of the
 * muxer: many begin anew in each segment, and then nothing can be said.
 */
export function lossyBoundaries(boundaries: readonly Boundary[]): readonly number[] {
  const count = (kind: Boundary): number => boundaries.filter((one) => one === kind).length;
  const isHabit = count("continuous") >= CONTINUOUS_PER_GAP * Math.max(count("gap"), 1);
  return isHabit ? [...boundaries.keys()].filter((index) => boundaries[index] === "gap") : [];
}
