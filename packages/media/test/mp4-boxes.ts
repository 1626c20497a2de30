/** Boxes of MP4 files for tests, by hand: what no encoder writes, and what would be too large to keep. */

export function u8(...values: number[]): Buffer {
  return Buffer.from(values);
}

export function u16(...values: number[]): Buffer {
  return Buffer.concat(values.map((value) => u8((value >>> 8) & 0xff, value & 0xff)));
}

export function u32(...values: number[]): Buffer {
  return u32s(values);
}

/** For tables of any length: arguments have a limit. */
function u32s(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) {
    bytes.writeUInt32BE(value >>> 0, index * 4);
  }
  return bytes;
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function text(value: string): Buffer {
  return Buffer.from(value, "latin1");
}

export function box(type: string, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(body.length + 8), text(type), body]);
}

/** The header alone of a box with a 64-bit size. */
export function largeHeader(type: string, sizeBytes: number): Buffer {
  return Buffer.concat([u32(1), text(type), u64(sizeBytes)]);
}

export const FTYP: Buffer = box("ftyp", text("isom"), u32(512), text("isomavc1"));

export function mvhd(timescale: number, duration: number): Buffer {
  return box("mvhd", u32(0, 0, 0, timescale, duration), Buffer.alloc(80));
}

export interface TrackOptions {
  id: number;
  handler: "vide" | "soun";
  timescale: number;
  sampleEntry: Buffer;
  /** Units of each sample, in runs of [count, units]. */
  times?: [number, number][];
  sampleSizes?: number[];
  chunkOffsets?: number[];
  samplesPerChunk?: number;
  elst?: Buffer;
}

export function trak(options: TrackOptions): Buffer {
  const { times = [], sampleSizes = [], chunkOffsets = [], timescale } = options;
  const duration = times.reduce((sum, [count, units]) => sum + count * units, 0);
  const isLong = chunkOffsets.some((offset) => offset > 0xffff_ffff);
  const stbl = box(
    "stbl",
    box("stsd", u32(0, 1), options.sampleEntry),
    box("stts", u32(0, times.length), u32s(times.flat())),
    box("stsc", u32(0, 1, 1, options.samplesPerChunk ?? 1, 1)),
    box("stsz", u32(0, 0, sampleSizes.length), u32s(sampleSizes)),
    isLong
      ? box("co64", u32(0, chunkOffsets.length), Buffer.concat(chunkOffsets.map((at) => u64(at))))
      : box("stco", u32(0, chunkOffsets.length), u32s(chunkOffsets)),
  );
  return box(
    "trak",
    box("tkhd", u32(3, 0, 0, options.id, 0, duration), Buffer.alloc(52), u32(0, 0)),
    ...(options.elst === undefined ? [] : [box("edts", box("elst", options.elst))]),
    box(
      "mdia",
      box("mdhd", u32(0, 0, 0, timescale, duration, 0)),
      box("hdlr", u32(0, 0), text(options.handler), Buffer.alloc(13)),
      box("minf", box(options.handler === "vide" ? "vmhd" : "smhd", u32(0, 0)), stbl),
    ),
  );
}

export function visualEntry(
  type: string,
  width: number,
  height: number,
  ...more: Buffer[]
): Buffer {
  return box(type, Buffer.alloc(24), u16(width, height), Buffer.alloc(50), ...more);
}

export interface SoundEntry {
  channels: number;
  rateHz: number;
  version?: number;
  /** Between the entry of version 0 and the boxes in it. */
  extension?: Buffer;
}

export function soundEntry(type: string, entry: SoundEntry, ...more: Buffer[]): Buffer {
  return box(
    type,
    u32(0),
    u16(0, 1, entry.version ?? 0, 0, 0, 0, entry.channels, 16, 0, 0, entry.rateHz, 0),
    entry.extension ?? Buffer.alloc(0),
    ...more,
  );
}

/** An elementary stream descriptor with its lengths in four groups, as ffmpeg writes them. */
export function esds(objectType: number, decoderInfo: Buffer): Buffer {
  const descriptor = (tag: number, ...parts: Buffer[]): Buffer => {
    const body = Buffer.concat(parts);
    return Buffer.concat([u8(tag, 0x80, 0x80, 0x80, body.length), body]);
  };
  const config = descriptor(
    4,
    u8(objectType, 0x15, 0, 0, 0),
    u32(0, 0),
    ...(decoderInfo.length === 0 ? [] : [descriptor(5, decoderInfo)]),
  );
  return box("esds", u32(0), descriptor(3, u16(1), u8(0), config, descriptor(6, u8(2))));
}

/** AAC-LC, 44.1 kHz, two channels. */
export const AAC_STEREO: Buffer = u8(0x12, 0x10);

export interface Fragment {
  trackId: number;
  start: number;
  samples: number;
  units: number;
}

/** A fragment of one track, with its media data. */
export function fragment(options: Fragment, mediaBytes = 100): Buffer {
  return Buffer.concat([moof(options), box("mdat", Buffer.alloc(mediaBytes, 0xaa))]);
}

export function moof({ trackId, start, samples, units }: Fragment): Buffer {
  return box(
    "moof",
    box("mfhd", u32(0, 1)),
    box(
      "traf",
      box("tfhd", u32(0x02_0008, trackId, units)),
      box("tfdt", u32(0, start)),
      box("trun", u32(0, samples)),
    ),
  );
}

/** A moov whose samples are all in fragments: one video track of 25 frames in a second, one sound track of 44.1 kHz. */
export function fragmentedMoov(mehd?: number): Buffer {
  return box(
    "moov",
    mvhd(1000, 0),
    trak({ id: 1, handler: "vide", timescale: 25, sampleEntry: visualEntry("avc1", 640, 360) }),
    trak({
      id: 2,
      handler: "soun",
      timescale: 44_100,
      sampleEntry: soundEntry("mp4a", { channels: 2, rateHz: 44_100 }, esds(0x40, AAC_STEREO)),
    }),
    box(
      "mvex",
      ...(mehd === undefined ? [] : [box("mehd", u32(0, mehd))]),
      box("trex", u32(0, 1, 1, 1, 0, 0)),
      box("trex", u32(0, 2, 1, 1024, 0, 0)),
    ),
  );
}
