import { goesOn, packetCounter } from "./continuity.ts";
import { TS_PACKET_BYTES } from "./packet.ts";

/** Follows the continuity counters while a transport stream goes by, in constant memory. */
export interface ContinuityWatch {
  push(chunk: Uint8Array): void;
  /** Offset of the first packet before which others of its PID are missing; null when none are, or nothing can be said. */
  gapAt(): number | null;
}

/** So many packets must go on for each that does not, before that is a loss: there are muxers that do not count. */
const CONTINUOUS_PER_GAP = 16;

interface Count {
  /** Null behind an announced discontinuity. */
  last: number | null;
  isMedia: boolean;
  compared: number;
  gaps: number;
  firstGapAt: number | null;
}

/**
 * Starts with the first byte of a packet. A loss that the stream announces itself (discontinuity_indicator) is none, nor
 * is one of tables.
 */
export function createContinuityWatch(): ContinuityWatch {
  const counts = new Map<number, Count>();
  const acrossChunks = new Uint8Array(TS_PACKET_BYTES);
  let position = 0;

  function see(bytes: Uint8Array, start: number, offset: number): void {
    const packet = packetCounter(bytes, start);
    if (packet === null) {
      return;
    }
    const { pid, counter, hasPayload, isAnnounced } = packet;
    let count = counts.get(pid);
    if (count === undefined) {
      count = { last: null, isMedia: false, compared: 0, gaps: 0, firstGapAt: null };
      counts.set(pid, count);
    }
    count.isMedia ||= packet.beginsPes;
    if (hasPayload && !isAnnounced && count.last !== null) {
      count.compared += 1;
      if (!goesOn(count.last, counter)) {
        count.gaps += 1;
        count.firstGapAt ??= offset;
      }
    }
    if (hasPayload || isAnnounced) {
      count.last = hasPayload ? counter : null;
    }
  }

  return {
    push(chunk): void {
      for (let at = 0; at < chunk.length;) {
        const inPacket = (position + at) % TS_PACKET_BYTES;
        if (inPacket === 0 && at + TS_PACKET_BYTES <= chunk.length) {
          see(chunk, at, position + at);
          at += TS_PACKET_BYTES;
        } else {
          const part = chunk.subarray(at, at + TS_PACKET_BYTES - inPacket);
          acrossChunks.set(part, inPacket);
          at += part.length;
          if (inPacket + part.length === TS_PACKET_BYTES) {
            see(acrossChunks, 0, position + at - TS_PACKET_BYTES);
          }
        }
      }
      position += chunk.length;
    },
    gapAt(): number | null {
      const media = [...counts.values()].filter(({ isMedia }) => isMedia);
      const compared = media.reduce((sum, count) => sum + count.compared, 0);
      const gaps = media.reduce((sum, count) => sum + count.gaps, 0);
      const places = media.flatMap(({ firstGapAt }) => firstGapAt ?? []);
      return gaps > 0 && compared >= gaps * CONTINUOUS_PER_GAP ? Math.min(...places) : null;
    },
  };
}
