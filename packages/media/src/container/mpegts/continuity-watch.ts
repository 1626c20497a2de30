import { COUNTER_HEADER_BYTES, goesOn, packetCounter } from "./continuity.ts";
import { TS_PACKET_BYTES } from "./packet.ts";

/** Follows the continuity counters while a transport stream goes by, in constant memory. */
export interface ContinuityWatch {
  push(chunk: Uint8Array): void;
  /** Offset of the first packet before which others of its PID are missing; null when none are, or nothing can be said. */
  gapAt(): number | null;
}

/** So many packets must go on for each that does not, before that is a loss: there are muxers that do not count. */
const CONTINUOUS_PER_GAP = 16;

/** Starts with the first byte of a packet. A loss that the stream announces itself (discontinuity_indicator) is none. */
export function createContinuityWatch(): ContinuityWatch {
  const last = new Map<number, number>();
  const header = new Uint8Array(COUNTER_HEADER_BYTES);
  let position = 0;
  let compared = 0;
  let gaps = 0;
  let firstGapAt: number | null = null;

  function see(bytes: Uint8Array, start: number, offset: number): void {
    const packet = packetCounter(bytes, start);
    if (packet === null) {
      return;
    }
    const { pid, counter, isAnnounced } = packet;
    const before = last.get(pid);
    last.set(pid, counter);
    if (before === undefined || isAnnounced) {
      return;
    }
    compared += 1;
    if (!goesOn(before, counter)) {
      gaps += 1;
      firstGapAt ??= offset;
    }
  }

  return {
    push(chunk): void {
      for (let at = 0; at < chunk.length;) {
        const inPacket = (position + at) % TS_PACKET_BYTES;
        if (inPacket === 0 && at + COUNTER_HEADER_BYTES <= chunk.length) {
          see(chunk, at, position + at);
          at += TS_PACKET_BYTES;
        } else if (inPacket >= COUNTER_HEADER_BYTES) {
          at += TS_PACKET_BYTES - inPacket;
        } else {
          // The header lies across two chunks.
          header[inPacket] = chunk[at] ?? 0;
          at += 1;
          if (inPacket === COUNTER_HEADER_BYTES - 1) {
            see(header, 0, position + at - COUNTER_HEADER_BYTES);
          }
        }
      }
      position += chunk.length;
    },
    gapAt: () => (compared >= gaps * CONTINUOUS_PER_GAP ? firstGapAt : null),
  };
}
