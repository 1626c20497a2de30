import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { frames } from "./adts-frames.mjs";
import { KEY, encrypt, make, playlist, segment, sequenceIv } from "./derive-hls.mjs";
import { tags } from "./flv-tags.mjs";
import { boxes, find } from "./mp4-boxes.mjs";

const HTML = "<!DOCTYPE html>\n<html><head><title>403 Forbidden</title></head><body>Forbidden</body></html>\n";
const NO_SUCH_KEY =
  "<?xml version='1.0' encoding='utf-8' ?>\n<Error>\n\t<Code>NoSuchKey</Code>\n\t<Message>The specified key does not exist.</Message>\n</Error>\n";

/** Bytes that look random and are the same each time. */
function noise(length) {
  const blocks = [];
  for (let n = 0; n * 32 < length; n += 1) blocks.push(createHash("sha256").update(`noise ${n}`).digest());
  return Buffer.concat(blocks).subarray(0, length);
}

const cut = (file, share) => file.subarray(0, Math.floor(file.length * share));
const moofs = (file) => boxes(file).filter(({ type }) => type === "moof");

/** Each damaged file: what it is made of, and how. */
const FILES = {
  "mp4-faststart-cut.mp4": ["mp4/faststart.mp4", (file) => cut(file, 0.6)],
  "mp4-faststart-cut-in-moov.mp4": ["mp4/faststart.mp4", (file) => file.subarray(0, 1_000)],
  "mp4-faststart-last-byte-missing.mp4": ["mp4/faststart.mp4", (file) => file.subarray(0, -1)],
  "mp4-moov-last-cut.mp4": ["mp4/moov-last.mp4", (file) => cut(file, 0.6)],
  "mp4-moov-last-cut-in-moov.mp4": ["mp4/moov-last.mp4", (file) => file.subarray(0, -200)],
  "mp4-large-size-box-cut.mp4": ["mp4/large-size-box.mp4", (file) => cut(file, 0.6)],
  "mp4-mdat-to-end-cut.mp4": ["mp4/mdat-to-end.mp4", (file) => cut(file, 0.6)],
  "mp4-fragmented-cut-in-fragment.mp4": [
    "mp4/fragmented-mfra.mp4",
    (file) => file.subarray(0, moofs(file)[3].end + 200),
  ],
  "mp4-fragmented-cut-in-moof.mp4": ["mp4/fragmented-mfra.mp4", (file) => file.subarray(0, moofs(file)[3].start + 20)],
  "mp4-fragmented-cut-between-fragments.mp4": [
    "mp4/fragmented-no-index.mp4",
    (file) => file.subarray(0, moofs(file)[4].start),
  ],
  "mp4-fragmented-sidx-cut-between-fragments.mp4": [
    "mp4/fragmented-sidx.mp4",
    (file) => file.subarray(0, moofs(file)[4].start),
  ],
  "mp4-fragmented-cut-before-fragments.mp4": [
    "mp4/fragmented-no-index.mp4",
    (file) => file.subarray(0, moofs(file)[0].start),
  ],
  "mp4-box-larger-than-parent.mp4": [
    "mp4/faststart.mp4",
    (file) => {
      const [trak] = find(file, "moov/trak");
      file.writeUInt32BE(trak.end - trak.start + 1_000_000, trak.start);
      return file;
    },
  ],
  "mp4-sample-count-absurd.mp4": [
    "mp4/faststart.mp4",
    (file) => {
      const [stsz] = find(file, "moov/trak/mdia/minf/stbl/stsz");
      file.writeUInt32BE(0x7fff_ffff, stsz.start + 16);
      return file;
    },
  ],
  "mp4-zeros-in-the-middle-of-top-level.mp4": [
    "mp4/fragmented-mfra.mp4",
    (file) => {
      const third = moofs(file)[2];
      return file.fill(0, third.start, third.start + 64);
    },
  ],
  "flv-cut-in-tag.flv": ["flv/full.flv", (file) => cutInTag(file)],
  "flv-cut-between-tags.flv": ["flv/full.flv", (file) => file.subarray(0, tagAt(file, 0.6).start)],
  "flv-no-duration-cut-in-tag.flv": ["flv/no-duration.flv", (file) => cutInTag(file)],
  "flv-garbage-at-the-end.flv": ["flv/full.flv", (file) => Buffer.concat([file, noise(3_000)])],
  "flv-end-overwritten.flv": ["flv/full.flv", (file) => Buffer.concat([file.subarray(0, -3_000), noise(3_000)])],
  "flv-zeros-at-the-end.flv": ["flv/full.flv", (file) => file.fill(0, file.length - 3_000)],
  "flv-hole.flv": ["flv/full.flv", (file) => Buffer.concat([file.subarray(0, 10_000), file.subarray(14_000)])],
  "flv-zeroed-hole.flv": ["flv/full.flv", (file) => file.fill(0, 10_000, 14_000)],
  "flv-header-alone.flv": ["flv/full.flv", (file) => file.subarray(0, 13)],
  "aac-cut-in-frame.aac": ["aac/plain.aac", (file) => file.subarray(0, -30)],
  "aac-garbage-in-the-middle.aac": [
    "aac/plain.aac",
    (file) => {
      const all = frames(file);
      return Buffer.concat([...all.slice(0, 100), noise(2_000), ...all.slice(100)]);
    },
  ],
  "aac-zeroed-hole.aac": ["aac/plain.aac", (file) => file.fill(0, 5_000, 7_000)],
  "html.mp4": [null, () => HTML],
  "html.flv": [null, () => HTML],
  "html.aac": [null, () => HTML],
  "html.m3u8": [null, () => HTML],
  "no-such-key.mp4": [null, () => NO_SUCH_KEY],
  "zeros.mp4": [null, () => Buffer.alloc(20_000)],
  "random.mp4": [null, () => noise(20_000)],
  "random.aac": [null, () => noise(20_000)],
  "empty.mp4": [null, () => ""],
  "empty.flv": [null, () => ""],
  "empty.m3u8": [null, () => ""],
  "empty.aac": [null, () => ""],
};

function tagAt(file, share) {
  const all = tags(file);
  return all[Math.floor(all.length * share)];
}

function cutInTag(file) {
  const { start, end } = tagAt(file, 0.6);
  return file.subarray(0, Math.floor((start + end) / 2));
}

export function deriveDamaged() {
  for (const [name, [source, damage]] of Object.entries(FILES)) {
    writeFileSync(`damaged/${name}`, damage(source === null ? Buffer.alloc(0) : readFileSync(source)));
  }
  damagedHls();
}

/** Damaged playlists take their sound segments from the intact ones. `third` is what is wrong with the third. */
function damagedHls() {
  const ts = (third) => playlist(["../../hls/ts/segment0.ts", "../../hls/ts/segment1.ts", third, "../../hls/ts/segment3.ts"]);
  const sound = segment("ts/segment2.ts");
  make("damaged/hls-segment-missing", { "index.m3u8": ts("missing.ts") });
  make("damaged/hls-segment-empty", { "index.m3u8": ts("empty.ts"), "empty.ts": "" });
  make("damaged/hls-segment-html", { "index.m3u8": ts("html.ts"), "html.ts": HTML });
  make("damaged/hls-segment-cut", { "index.m3u8": ts("cut.ts"), "cut.ts": cut(sound, 0.5) });
  make("damaged/hls-segment-cut-between-packets", {
    "index.m3u8": ts("cut.ts"),
    "cut.ts": sound.subarray(0, 188 * Math.floor(sound.length / 188 / 2)),
  });
  make("damaged/hls-segment-random", { "index.m3u8": ts("random.ts"), "random.ts": noise(sound.length) });
  make("damaged/hls-no-endlist", {
    "index.m3u8": playlist([0, 1, 2, 3].map((n) => `../../hls/ts/segment${n}.ts`), { end: false }),
  });
  make("damaged/hls-playlist-cut", { "index.m3u8": segment("ts/index.m3u8").subarray(0, 220) });
  make("damaged/hls-variant-missing", {
    "index.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=60000\nmissing.m3u8\n",
  });

  const fmp4 = (init, third = "../../hls/fmp4/segment2.m4s") =>
    playlist([`#EXT-X-MAP:URI="${init}"`, "../../hls/fmp4/segment0.m4s", "../../hls/fmp4/segment1.m4s", third]);
  const m4s = segment("fmp4/segment2.m4s");
  make("damaged/hls-init-missing", { "index.m3u8": fmp4("missing.mp4") });
  make("damaged/hls-init-cut", { "index.m3u8": fmp4("init.mp4"), "init.mp4": cut(segment("fmp4/init.mp4"), 0.5) });
  make("damaged/hls-fmp4-segment-cut", { "index.m3u8": fmp4("../../hls/fmp4/init.mp4", "cut.m4s"), "cut.m4s": cut(m4s, 0.7) });
  const range = segment("ts-byterange/index.m3u8").toString().replaceAll("all.ts", "short.ts");
  make("damaged/hls-byterange-beyond-end", {
    "index.m3u8": range,
    "short.ts": cut(segment("ts-byterange/all.ts"), 0.8),
  });

  const aes = (key, third = "../../hls/aes-sequence-iv/segment2.ts") =>
    playlist(
      [
        `#EXT-X-KEY:METHOD=AES-128,URI="${key}"`,
        "../../hls/aes-sequence-iv/segment0.ts",
        "../../hls/aes-sequence-iv/segment1.ts",
        third,
        "../../hls/aes-sequence-iv/segment3.ts",
      ],
      { sequence: 7 },
    );
  const rightKey = "../../hls/aes-sequence-iv/key.bin";
  make("damaged/hls-key-missing", { "index.m3u8": aes("missing.bin") });
  make("damaged/hls-key-wrong", { "index.m3u8": aes("key.bin"), "key.bin": noise(16) });
  make("damaged/hls-key-short", { "index.m3u8": aes("key.bin"), "key.bin": KEY.subarray(0, 15) });
  make("damaged/hls-key-html", { "index.m3u8": aes("key.bin"), "key.bin": HTML });
  const encrypted = encrypt(sound, KEY, sequenceIv(9));
  make("damaged/hls-aes-cut-in-block", { "index.m3u8": aes(rightKey, "cut.ts"), "cut.ts": encrypted.subarray(0, -1_003) });
  make("damaged/hls-aes-cut-between-blocks", {
    "index.m3u8": aes(rightKey, "cut.ts"),
    "cut.ts": encrypted.subarray(0, -1_008 - (encrypted.length % 16)),
  });
  make("damaged/hls-aes-other-iv", { "index.m3u8": aes(rightKey, "other.ts"), "other.ts": encrypt(sound, KEY, noise(16)) });
}
