import { uint16At } from "../../bytes/big-endian.ts";
import type { TransportPacket } from "./packet.ts";

/** One stream that a program announces (ISO/IEC 13818-1, 2.4.4.8). */
export interface ElementaryStream {
  pid: number;
  streamType: number;
  descriptors: Uint8Array;
}

/** Watches for the first program association and its program map. */
export interface ProgramMapReader {
  /** The streams of the first program, once its map was seen whole. */
  readonly streams: readonly ElementaryStream[] | null;
  push(packet: TransportPacket): void;
}

const PAT_PID = 0;
const PAT_TABLE = 0x00;
const PMT_TABLE = 0x02;
const CRC_BYTES = 4;
const MAX_STREAMS = 64;

export function createProgramMapReader(): ProgramMapReader {
  const association = createSectionReader(PAT_TABLE);
  const map = createSectionReader(PMT_TABLE);
  let mapPid: number | null = null;
  let streams: ElementaryStream[] | null = null;
  return {
    get streams(): readonly ElementaryStream[] | null {
      return streams;
    },
    push(packet): void {
      if (streams !== null) {
        return;
      }
      if (packet.pid === PAT_PID && mapPid === null) {
        const section = association.push(packet);
        mapPid = section === null ? null : firstMapPid(section);
      } else if (packet.pid === mapPid) {
        const section = map.push(packet);
        streams = section === null ? null : readStreams(section);
      }
    },
  };
}

interface SectionReader {
  /** The section that this packet completes, or null. */
  push(packet: TransportPacket): Uint8Array | null;
}

/** Collects the sections of one table (ISO/IEC 13818-1, 2.4.4). A section has at most 1,024 bytes in these tables. */
function createSectionReader(tableId: number): SectionReader {
  let collected: Uint8Array = new Uint8Array();
  return {
    push({ isStart, payload }): Uint8Array | null {
      if (isStart) {
        collected = payload.subarray(1 + (payload[0] ?? 0));
      } else if (collected.length > 0) {
        collected = new Uint8Array(Buffer.concat([collected, payload]));
      }
      if (collected.length < 3) {
        return null;
      }
      const [table, b1 = 0, b2 = 0] = collected;
      const sectionBytes = 3 + (((b1 & 0x0f) << 8) | b2);
      if (table !== tableId || sectionBytes > 1024) {
        collected = new Uint8Array();
        return null;
      }
      return collected.length < sectionBytes ? null : collected.subarray(0, sectionBytes);
    },
  };
}

function firstMapPid(section: Uint8Array): number | null {
  for (let at = 8; at + 4 <= section.length - CRC_BYTES; at += 4) {
    // Program 0 is the network's own table.
    if (uint16At(section, at) !== 0) {
      return uint16At(section, at + 2) & 0x1fff;
    }
  }
  return null;
}

function readStreams(section: Uint8Array): ElementaryStream[] {
  const streams: ElementaryStream[] = [];
  const end = section.length - CRC_BYTES;
  let at = 12 + (uint16At(section, 10) & 0x0fff);
  while (at + 5 <= end && streams.length < MAX_STREAMS) {
    const descriptorsEnd = at + 5 + (uint16At(section, at + 3) & 0x0fff);
    streams.push({
      streamType: section[at] ?? 0,
      pid: uint16At(section, at + 1) & 0x1fff,
      descriptors: section.subarray(at + 5, Math.min(descriptorsEnd, end)),
    });
    at = descriptorsEnd;
  }
  return streams;
}
