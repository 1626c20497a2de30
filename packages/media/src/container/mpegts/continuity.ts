import { TS_PACKET_BYTES, TS_SYNC_BYTE } from "./packet.ts";

/**
 * The continuity counters of a stretch of packets by PID (ISO/IEC 13818-1, 2.4.3.3): each packet with a payload counts
 * one on, modulo 16, so that packets which are missing show in the next one.
 */
export interface ContinuityCounters {
  /** Null for a PID whose first packet announces a discontinuity itself. */
  first: ReadonlyMap<number, number | null>;
  /** Null for one whose last packet announces that the next does not go on. */
  last: ReadonlyMap<number, number | null>;
  /** PIDs that carry pictures or sound. Tables (PAT, PMT, SDT) are counted as each muxer likes, and nothing is lost with one. */
  media: ReadonlySet<number>;
}

const NULL_PACKETS_PID = 0x1fff;
/** Real streams have five or so; a hostile one could have 8,192 in each segment. */
const MAX_PIDS = 32;

export interface PacketCounter {
  pid: number;
  counter: number;
  /** Packets without payload do not count. */
  hasPayload: boolean;
  /** Its discontinuity_indicator: what follows need not go on. */
  isAnnounced: boolean;
  /** A PES packet begins in it. */
  beginsPes: boolean;
}

/** What a whole packet counts; null for a null packet. */
export function packetCounter(bytes: Uint8Array, start: number): PacketCounter | null {
  const b1 = bytes[start + 1] ?? 0;
  const b3 = bytes[start + 3] ?? 0;
  const pid = ((b1 & 0x1f) << 8) | (bytes[start + 2] ?? 0);
  if (pid === NULL_PACKETS_PID) {
    return null;
  }
  const hasAdaptation = (b3 & 0x20) !== 0;
  const adaptationBytes = hasAdaptation ? (bytes[start + 4] ?? 0) : 0;
  const hasPayload = (b3 & 0x10) !== 0;
  const payload = start + (hasAdaptation ? 5 + adaptationBytes : 4);
  return {
    pid,
    counter: b3 & 0x0f,
    hasPayload,
    isAnnounced: adaptationBytes > 0 && ((bytes[start + 5] ?? 0) & 0x80) !== 0,
    beginsPes:
      hasPayload &&
      (b1 & 0x40) !== 0 &&
      payload + 3 <= start + TS_PACKET_BYTES &&
      bytes[payload] === 0 &&
      bytes[payload + 1] === 0 &&
      bytes[payload + 2] === 1,
  };
}

/** A packet may be sent twice, with the same counter. */
export function goesOn(counter: number, next: number): boolean {
  return next === counter || next === ((counter + 1) & 0x0f);
}

/** Reads the counters of whole packets from the first byte on, as far as the sync bytes go. */
export function continuityCounters(bytes: Uint8Array): ContinuityCounters {
  const first = new Map<number, number | null>();
  const last = new Map<number, number | null>();
  const media = new Set<number>();
  for (let start = 0; start + TS_PACKET_BYTES <= bytes.length; start += TS_PACKET_BYTES) {
    if (bytes[start] !== TS_SYNC_BYTE) {
      break;
    }
    const packet = packetCounter(bytes, start);
    if (packet === null || (first.size === MAX_PIDS && !first.has(packet.pid))) {
      continue;
    }
    const { pid, counter, hasPayload, isAnnounced } = packet;
    if (packet.beginsPes) {
      media.add(pid);
    }
    if (hasPayload || isAnnounced) {
      if (!first.has(pid)) {
        first.set(pid, isAnnounced ? null : counter);
      }
      last.set(pid, hasPayload ? counter : null);
    }
  }
  return { first, last, media };
}

/** How the packets go on from one segment to the next. `unknown`: they share no PID of pictures or sound. */
export type Boundary = "continuous" | "restarted" | "gap" | "unknown";

/** Compares the last counters of a segment with the first of the one behind it. */
export function compareCounters(before: ContinuityCounters, after: ContinuityCounters): Boundary {
  let compared = 0;
  let broken = 0;
  let atZero = 0;
  for (const [pid, counter] of before.last) {
    const next = after.first.get(pid);
    const isMedia = before.media.has(pid) || after.media.has(pid);
    if (!isMedia || counter === null || next === undefined || next === null) {
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
