import { randomBytes } from "node:crypto";
import type { MediaOrigin } from "@reelgate/testkit/media-origin";

const PACKET_BYTES = 188;

/** Noise in whole packets of a transport stream, which no other segment has. */
export function tsNoise(packets: number): Buffer {
  const bytes = randomBytes(packets * PACKET_BYTES);
  for (let at = 0; at < bytes.length; at += PACKET_BYTES) {
    bytes[at] = 0x47;
  }
  return bytes;
}

/** A media playlist of so many segments of a second; `uriOf` gives the line or lines of each URI. */
export function vodPlaylist(count: number, uriOf: (index: number) => string): string {
  const segments = Array.from({ length: count }, (_, index) => `#EXTINF:1.0,\n${uriOf(index)}\n`);
  return [
    "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:1\n",
    ...segments,
    "#EXT-X-ENDLIST\n",
  ].join("");
}

/** Sets a recording of noise at an origin: `<folder>/index.m3u8` and `s0.ts`, `s1.ts`, … beside it. */
export function setRecording(
  origin: MediaOrigin,
  folder: string,
  segments: readonly Uint8Array[],
): void {
  for (const [index, bytes] of segments.entries()) {
    origin.setFile(`${folder}/s${index}.ts`, bytes);
  }
  origin.setFile(
    `${folder}/index.m3u8`,
    vodPlaylist(segments.length, (index) => `s${index}.ts`),
  );
}
