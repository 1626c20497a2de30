import { createCipheriv } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { id3v2 } from "./adts-frames.mjs";

export const KEY = Buffer.from("00112233445566778899aabbccddeeff", "hex");
const SECOND_KEY = Buffer.from("ffeeddccbbaa99887766554433221100", "hex");

/** A playlist of 1 s segments. Entries are URIs, or lines if they begin with #. */
export function playlist(entries, { end = true, sequence = 0, version = 6 } = {}) {
  const lines = entries.flatMap((entry) => (entry.startsWith("#") ? [entry] : ["#EXTINF:1.000000,", entry]));
  return [
    "#EXTM3U",
    `#EXT-X-VERSION:${version}`,
    "#EXT-X-TARGETDURATION:1",
    `#EXT-X-MEDIA-SEQUENCE:${sequence}`,
    "#EXT-X-PLAYLIST-TYPE:VOD",
    ...lines,
    ...(end ? ["#EXT-X-ENDLIST"] : []),
    "",
  ].join("\n");
}

export function encrypt(bytes, key, iv) {
  const cipher = createCipheriv("aes-128-cbc", key, iv);
  return Buffer.concat([cipher.update(bytes), cipher.final()]);
}

/** RFC 8216, 5.2: the media sequence number, big-endian in 16 bytes. */
export function sequenceIv(sequence) {
  const iv = Buffer.alloc(16);
  iv.writeUInt32BE(sequence, 12);
  return iv;
}

export function make(folder, files) {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(`${folder}/${name}`, content);
}

export const segment = (name) => readFileSync(`hls/${name}`);
const FOUR = [0, 1, 2, 3];
const tsNames = FOUR.map((n) => `segment${n}.ts`);

export function deriveHls() {
  aesSequenceIv();
  aesKeyRotation();
  aesFmp4();
  others();
  packedAac();
}

function aesSequenceIv() {
  const files = tsNames.map((name, n) => [name, encrypt(segment(`ts/${name}`), KEY, sequenceIv(7 + n))]);
  make("hls/aes-sequence-iv", {
    ...Object.fromEntries(files),
    "key.bin": KEY,
    "index.m3u8": playlist(['#EXT-X-KEY:METHOD=AES-128,URI="key.bin"', ...tsNames], { sequence: 7 }),
  });
}

/** Two keys, and a last segment in the clear. */
function aesKeyRotation() {
  const [first, second, third] = tsNames;
  const plan = [KEY, SECOND_KEY, SECOND_KEY].map((key, n) => [
    tsNames[n],
    encrypt(segment(`ts/${tsNames[n]}`), key, sequenceIv(n)),
  ]);
  make("hls/aes-key-rotation", {
    ...Object.fromEntries(plan),
    "segment3.ts": segment("ts/segment3.ts"),
    "key0.bin": KEY,
    "key1.bin": SECOND_KEY,
    "index.m3u8": playlist([
      ...['#EXT-X-KEY:METHOD=AES-128,URI="key0.bin"', first],
      ...['#EXT-X-KEY:METHOD=AES-128,URI="key1.bin"', second, third],
      ...["#EXT-X-KEY:METHOD=NONE", "segment3.ts"],
    ]),
  });
}

/** The init section in the clear (its MAP stands before the KEY), and encrypted (behind it). */
function aesFmp4() {
  const iv = Buffer.from("0102030405060708090a0b0c0d0e0f10", "hex");
  const key = `#EXT-X-KEY:METHOD=AES-128,URI="key.bin",IV=0x${iv.toString("hex")}`;
  const map = '#EXT-X-MAP:URI="init.mp4"';
  const names = FOUR.map((n) => `segment${n}.m4s`);
  const files = Object.fromEntries(names.map((name) => [name, encrypt(segment(`fmp4/${name}`), KEY, iv)]));
  const init = segment("fmp4/init.mp4");
  make("hls/aes-fmp4", { ...files, "init.mp4": init, "key.bin": KEY, "index.m3u8": playlist([map, key, ...names]) });
  make("hls/aes-fmp4-init", {
    ...files,
    "init.mp4": encrypt(init, KEY, iv),
    "key.bin": KEY,
    "index.m3u8": playlist([key, map, ...names]),
  });
}

function others() {
  // The segments of the long playlist, in other words.
  make("hls/relative", { "index.m3u8": playlist(tsNames.map((name) => `../ts/${name}`)) });
  make("hls/absolute-path", { "index.m3u8": playlist(tsNames.map((name) => `/hls/ts/${name}`)) });
  make("hls/query-strings", { "index.m3u8": playlist(tsNames.map((name, n) => `../ts/${name}?sign=s${n}&t=1&a=b%2Fc`)) });
  make("hls/subfolders", { "index.m3u8": playlist(FOUR.map((n) => `part%20${n}/segment.ts`)) });
  for (const n of FOUR) {
    mkdirSync(`hls/subfolders/part ${n}`);
    copyFileSync(`hls/ts/segment${n}.ts`, `hls/subfolders/part ${n}/segment.ts`);
  }
  make("hls/discontinuity", {
    "index.m3u8": playlist([
      ...["../ts/segment0.ts", "../ts/segment1.ts", "#EXT-X-DISCONTINUITY"],
      ...["../ts-low/segment0.ts", "../ts-low/segment1.ts", "#EXT-X-DISCONTINUITY"],
      "../ts/segment0.ts",
    ]),
  });
  make("hls/master", {
    "index.m3u8": [
      "#EXTM3U",
      '#EXT-X-STREAM-INF:BANDWIDTH=60000,RESOLUTION=96x54,CODECS="avc1.42c00a,mp4a.40.2"',
      "../ts-low/index.m3u8",
      '#EXT-X-STREAM-INF:BANDWIDTH=120000,RESOLUTION=160x90,CODECS="avc1.42c00a,mp4a.40.2"',
      "../relative/index.m3u8",
      "",
    ].join("\n"),
  });
}

/** RFC 8216, 3.4: packed audio begins with its time in an ID3 PRIV frame. */
function packedAac() {
  const names = readdirSync("hls/packed-aac").filter((name) => name.endsWith(".aac")).toSorted();
  const files = names.map((name, n) => {
    const time = Buffer.alloc(8);
    time.writeBigUInt64BE(BigInt(n * 90_000));
    const owner = Buffer.from("com.apple.streaming.transportStreamTimestamp\0");
    return [name, Buffer.concat([id3v2("PRIV", Buffer.concat([owner, time])), segment(`packed-aac/${name}`)])];
  });
  make("hls/packed-aac-id3", { ...Object.fromEntries(files), "index.m3u8": segment("packed-aac/index.m3u8") });
}
