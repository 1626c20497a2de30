import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileHeader, onMetaData, tag, tags } from "./flv-tags.mjs";

const SCRIPT = 18;
const VIDEO = 9;
const AUDIO = 8;

export function deriveFlv(work) {
  const full = readFileSync("flv/full.flv");
  writeFileSync("flv/late-start.flv", shifted(full, 5_000));
  // Beyond 24 bits: the fourth byte of the timestamp counts.
  writeFileSync("flv/extended-timestamps.flv", shifted(full, 0xff_ffff - 2_000));
  writeFileSync("flv/metadata-in-the-middle.flv", withMetadataTwice(full));

  const hevc = readSamples(join(work, "hevc.mp4"));
  writeFileSync("flv/hevc-codec-12.flv", muxHevc(hevc, legacyHevc, { videocodecid: 12 }));
  const fourcc = Buffer.from("hvc1").readUInt32BE(0);
  writeFileSync("flv/hevc-enhanced.flv", muxHevc(hevc, enhancedHevc, { videocodecid: fourcc }));
}

/** Media tags later by so many milliseconds; the metadata stays, as it does in a recording of a running stream. */
function shifted(file, byMs) {
  const later = tags(file).map(({ type, timestampMs, data }) =>
    tag(type, type === SCRIPT ? timestampMs : timestampMs + byMs, data),
  );
  return Buffer.concat([file.subarray(0, 13), ...later]);
}

/** Recorders repeat onMetaData when the publisher changes something; the first says too little here. */
function withMetadataTwice(file) {
  const [first, ...rest] = tags(file);
  const middle = Math.floor(rest.length / 2);
  const copy = ({ start, end }) => file.subarray(start, end);
  return Buffer.concat([
    file.subarray(0, 13),
    tag(SCRIPT, 0, onMetaData({ duration: 0, framerate: 25 })),
    ...rest.slice(0, middle).map(copy),
    tag(SCRIPT, rest[middle].timestampMs, first.data),
    ...rest.slice(middle).map(copy),
  ]);
}

/** The packets of a HEVC and AAC file in order of decoding, and the configuration record of the video. */
function readSamples(path) {
  const file = readFileSync(path);
  const { packets } = JSON.parse(
    execFileSync("ffprobe", [
      ...["-v", "error", "-of", "json"],
      ...["-show_entries", "packet=codec_type,pts_time,dts_time,pos,size,flags", path],
    ]),
  );
  const ms = (time) => Math.round(Number(time) * 1000);
  const firstMs = Math.min(...packets.map(({ dts_time }) => ms(dts_time)));
  const hvcC = file.indexOf("hvcC") - 4;
  return {
    configuration: file.subarray(hvcC + 8, hvcC + file.readUInt32BE(hvcC)),
    packets: packets
      .map((packet) => ({
        isVideo: packet.codec_type === "video",
        isKey: packet.flags.startsWith("K"),
        timestampMs: ms(packet.dts_time) - firstMs,
        compositionMs: ms(packet.pts_time) - ms(packet.dts_time),
        bytes: file.subarray(Number(packet.pos), Number(packet.pos) + Number(packet.size)),
      }))
      .toSorted((a, b) => a.timestampMs - b.timestampMs),
  };
}

/** The codec id that Chinese CDNs agreed on before there was a standard: laid out as H.264 is. */
const legacyHevc = {
  configuration: (record) => Buffer.concat([Buffer.from([0x1c, 0, 0, 0, 0]), record]),
  frame: ({ isKey, compositionMs, bytes }) =>
    Buffer.concat([Buffer.from([(isKey ? 0x10 : 0x20) | 12, 1]), int24(compositionMs), bytes]),
};

/** ExVideoTagHeader of Enhanced RTMP v1: type 3 has no composition time, type 1 has one. */
const enhancedHevc = {
  configuration: (record) => Buffer.concat([Buffer.from([0x90]), Buffer.from("hvc1"), record]),
  frame: ({ isKey, compositionMs, bytes }) =>
    Buffer.concat([
      Buffer.from([0x80 | (isKey ? 0x10 : 0x20) | (compositionMs === 0 ? 3 : 1)]),
      Buffer.from("hvc1"),
      compositionMs === 0 ? Buffer.alloc(0) : int24(compositionMs),
      bytes,
    ]),
};

function int24(value) {
  const bytes = Buffer.alloc(3);
  bytes.writeIntBE(value, 0, 3);
  return bytes;
}

function muxHevc({ configuration, packets }, layout, metadata) {
  // AAC LC, 44,100 Hz, mono (ISO 14496-3, AudioSpecificConfig).
  const audioConfiguration = Buffer.from([0xaf, 0, 0x12, 0x08]);
  return Buffer.concat([
    fileHeader(5),
    tag(SCRIPT, 0, onMetaData({ duration: 4, width: 160, height: 90, framerate: 25, audiocodecid: 10, ...metadata })),
    tag(VIDEO, 0, layout.configuration(configuration)),
    tag(AUDIO, 0, audioConfiguration),
    ...packets.map((packet) =>
      packet.isVideo
        ? tag(VIDEO, packet.timestampMs, layout.frame(packet))
        : tag(AUDIO, packet.timestampMs, Buffer.concat([Buffer.from([0xaf, 1]), packet.bytes])),
    ),
  ]);
}
