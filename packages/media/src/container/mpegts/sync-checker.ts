import { TS_PACKET_BYTES, TS_SYNC_BYTE } from "./packet.ts";

/** Checks that packets follow each other while a transport stream goes by, in constant memory. */
export interface SyncChecker {
  push(chunk: Uint8Array): void;
  /** Bytes so far. */
  readonly position: number;
  /** The first place where a packet must begin and has no sync byte; null when there is none. */
  readonly lostAt: number | null;
}

/** @param start Offset of the first byte that will be pushed, which is that of a packet. */
export function createSyncChecker(start: number = 0): SyncChecker {
  let position = start;
  let lostAt: number | null = null;
  return {
    get position(): number {
      return position;
    },
    get lostAt(): number | null {
      return lostAt;
    },
    push(chunk): void {
      const next = (TS_PACKET_BYTES - (position % TS_PACKET_BYTES)) % TS_PACKET_BYTES;
      for (let at = next; at < chunk.length && lostAt === null; at += TS_PACKET_BYTES) {
        lostAt = chunk[at] === TS_SYNC_BYTE ? null : position + at;
      }
      position += chunk.length;
    },
  };
}
