import { readFileSync, writeFileSync } from "node:fs";
import { frames, id3v2 } from "./adts-frames.mjs";

export function deriveAac() {
  const plain = readFileSync("aac/plain.aac");
  const title = Buffer.from("\x03A title", "latin1");
  writeFileSync("aac/id3v2.aac", Buffer.concat([id3v2("TIT2", title), plain]));
  // Larger than one read of 64 KiB, as a cover picture makes it.
  const owner = Buffer.from("reelgate.example\0");
  const large = id3v2("PRIV", Buffer.concat([owner, Buffer.alloc(70_000, 0x2a)]));
  writeFileSync("aac/id3v2-large.aac", Buffer.concat([large, plain]));
  writeFileSync("aac/mpeg-2.aac", Buffer.concat(frames(plain).map(asMpeg2)));
  writeFileSync("aac/crc.aac", Buffer.concat(frames(plain).map(withCrc)));
  const id3v1 = Buffer.alloc(128);
  id3v1.write("TAGA title", "latin1");
  writeFileSync("aac/id3v1.aac", Buffer.concat([plain, id3v1]));
  writeFileSync("aac/ape.aac", Buffer.concat([plain, apeTag()]));
}

function asMpeg2(frame) {
  const copy = Buffer.from(frame);
  copy[1] |= 0x08;
  return copy;
}

/** protection_absent = 0 and two bytes more. They are not the true checksum: no reader of headers computes it. */
function withCrc(frame) {
  const length = frame.length + 2;
  const header = Buffer.from(frame.subarray(0, 7));
  header[1] &= 0xfe;
  header[3] = (header[3] & 0xfc) | (length >> 11);
  header[4] = (length >> 3) & 0xff;
  header[5] = ((length & 7) << 5) | (header[5] & 0x1f);
  return Buffer.concat([header, Buffer.from([0xca, 0xfe]), frame.subarray(7)]);
}

/** APEv2 with one item and a footer. */
function apeTag() {
  const value = Buffer.from("A title");
  const head = Buffer.alloc(8);
  head.writeUInt32LE(value.length, 0);
  const item = Buffer.concat([head, Buffer.from("Title\0"), value]);
  const footer = Buffer.alloc(32);
  footer.write("APETAGEX", "latin1");
  footer.writeUInt32LE(2000, 8);
  footer.writeUInt32LE(item.length + 32, 12);
  footer.writeUInt32LE(1, 16);
  return Buffer.concat([item, footer]);
}
