import { readFileSync, writeFileSync } from "node:fs";
import { boxes, find, replace } from "./mp4-boxes.mjs";

export function deriveMp4() {
  const file = readFileSync("mp4/moov-last.mp4");
  writeFileSync("mp4/large-size-box.mp4", withLargeSize(file));
  writeFileSync("mp4/co64.mp4", withCo64(file));
  // The segments of a stream behind each other, as a recorder joins them: each begins with styp.
  const parts = ["init.mp4", "segment0.m4s", "segment1.m4s", "segment2.m4s", "segment3.m4s"];
  writeFileSync("mp4/fragmented-styp.mp4", Buffer.concat(parts.map((name) => readFileSync(`hls/fmp4/${name}`))));
  writeFileSync("mp4/mdat-to-end.mp4", withOpenMdat(readFileSync("mp4/faststart.mp4")));
}

/** ffmpeg leaves 8 bytes free before mdat for just this: no offset changes. */
function withLargeSize(source) {
  const file = Buffer.from(source);
  const [, free, mdat] = boxes(file);
  if (free.type !== "free" || mdat.type !== "mdat") throw new Error("not ftyp, free, mdat");
  file.writeUInt32BE(1, free.start);
  file.write("mdat", free.start + 4, "latin1");
  file.writeBigUInt64BE(BigInt(mdat.end - free.start), free.start + 8);
  return file;
}

/** 64-bit chunk offsets. moov is last, so what grows moves nothing that is pointed at. */
function withCo64(source) {
  let file = source;
  for (;;) {
    const [stco] = find(file, "moov/trak/mdia/minf/stbl/stco");
    if (stco === undefined) return file;
    const count = file.readUInt32BE(stco.start + 12);
    const co64 = Buffer.alloc(16 + 8 * count);
    co64.writeUInt32BE(co64.length, 0);
    co64.write("co64", 4, "latin1");
    co64.writeUInt32BE(count, 12);
    for (let n = 0; n < count; n += 1) {
      co64.writeBigUInt64BE(BigInt(file.readUInt32BE(stco.start + 16 + 4 * n)), 16 + 8 * n);
    }
    file = replace(file, stco.start, stco.end, co64);
    for (const { start, end } of stco.parents) file.writeUInt32BE(end - start + 4 * count, start);
  }
}

/** The last box has size 0: it goes to the end of the file (ISO 14496-12, 4.2). */
function withOpenMdat(source) {
  const file = Buffer.from(source);
  file.writeUInt32BE(0, boxes(file).at(-1).start);
  return file;
}
