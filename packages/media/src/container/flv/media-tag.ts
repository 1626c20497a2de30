/** What the data of an audio or video tag is. */
export type TagContent =
  /** How the codec is set up: the record that MP4 keeps in avcC, hvcC, esds, … */
  | { kind: "configuration"; codec: string; record: Uint8Array }
  /** A frame. `payload` is its beginning; the composition time is that between decoding and showing. */
  | { kind: "frame"; codec: string; compositionMs: number; payload: Uint8Array }
  /** End of sequence, command, metadata, or what is not known. */
  | { kind: "other" };

export const OTHER: TagContent = { kind: "other" };

/** Types of packets that AVC, HEVC, AAC and Enhanced RTMP have in common. */
export const SEQUENCE_START = 0;
export const CODED_FRAMES = 1;

const MOD_EX = 7;

/** The packet type and where the rest begins, behind any modifiers in front (Enhanced RTMP v2, "ModEx"). */
export function skipModifiers(
  data: Uint8Array,
  packetType: number,
  start: number,
): { packetType: number; at: number } {
  let type = packetType;
  let at = start;
  while (type === MOD_EX && at < data.length) {
    let size = (data[at] ?? 0) + 1;
    at += 1;
    if (size === 256) {
      size = (((data[at] ?? 0) << 8) | (data[at + 1] ?? 0)) + 1;
      at += 2;
    }
    at += size;
    type = (data[at] ?? 0) & 0x0f;
    at += 1;
  }
  return { packetType: type, at };
}
