/** Length of a packet of a transport stream (ISO/IEC 13818-1, 2.4.3.2). */
export const TS_PACKET_BYTES = 188;
export const TS_SYNC_BYTE = 0x47;

/** The payload of one packet: where it lies in the buffer, and what it belongs to. */
export interface TransportPacket {
  pid: number;
  /** A PES packet or a section begins in this packet. */
  isStart: boolean;
  payload: Uint8Array;
}

/**
 * The packets with a payload that can be read, in order (ISO/IEC 13818-1, 2.4.3). Ends at the first place without a
 * sync byte, and before a packet that is not all there.
 */
export function* transportPackets(bytes: Uint8Array): Generator<TransportPacket, void, undefined> {
  for (
    let start = 0;
    start + TS_PACKET_BYTES <= bytes.length && bytes[start] === TS_SYNC_BYTE;
    start += TS_PACKET_BYTES
  ) {
    const packet = bytes.subarray(start, start + TS_PACKET_BYTES);
    const [, b1 = 0, b2 = 0, b3 = 0, adaptationBytes = 0] = packet;
    const isDamaged = (b1 & 0x80) !== 0;
    const isScrambled = (b3 & 0xc0) !== 0;
    const hasPayload = (b3 & 0x10) !== 0;
    if (isDamaged || isScrambled || !hasPayload) {
      continue;
    }
    const payloadStart = (b3 & 0x20) === 0 ? 4 : 5 + adaptationBytes;
    if (payloadStart < TS_PACKET_BYTES) {
      const pid = ((b1 & 0x1f) << 8) | b2;
      yield { pid, isStart: (b1 & 0x40) !== 0, payload: packet.subarray(payloadStart) };
    }
  }
}
