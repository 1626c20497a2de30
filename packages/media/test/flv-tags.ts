/** One tag of a FLV file, with its PreviousTagSize. */
export function flvTag(type: number, timestampMs: number, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(11 + data.length + 4);
  bytes[0] = type;
  bytes.writeUIntBE(data.length, 1, 3);
  bytes.writeUIntBE(timestampMs & 0xff_ffff, 4, 3);
  bytes[7] = (timestampMs >> 24) & 0xff;
  bytes.set(data, 11);
  bytes.writeUInt32BE(11 + data.length, 11 + data.length);
  return bytes;
}

export function flvHeader(flags: number): Buffer {
  return Buffer.from([0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]);
}

function amfName(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length >> 8, text.length & 255]), Buffer.from(text)]);
}

/** An AMF0 number. */
export function amfNumber(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

/** Script data of onMetaData; values that are bytes are AMF0 already. */
export function onMetaData(values: Readonly<Record<string, number | Uint8Array>>): Buffer {
  return Buffer.concat([
    Buffer.from([2]),
    amfName("onMetaData"),
    Buffer.from([8, 0, 0, 0, 0]),
    ...Object.entries(values).flatMap(([name, value]) => [
      amfName(name),
      typeof value === "number" ? amfNumber(value) : value,
    ]),
    Buffer.from([0, 0, 9]),
  ]);
}

const SPS = "677a000bbcd942cde227c044000003000400000300c83c50a658";

/** An AVC sequence header: 162 × 90, 25 fps. */
export const AVC_CONFIGURATION: Buffer = Buffer.concat([
  Buffer.from([0x17, 0, 0, 0, 0, 1, 122, 0, 11, 0xff, 0xe1, 0, SPS.length / 2]),
  Buffer.from(SPS, "hex"),
  Buffer.from([0]),
]);

/** A frame of H.264, its bytes all the same. */
export function avcFrame(isKey: boolean, bytes: number, compositionMs = 0): Buffer {
  const header = Buffer.from([isKey ? 0x17 : 0x27, 1, 0, 0, 0]);
  header.writeIntBE(compositionMs, 2, 3);
  return Buffer.concat([header, Buffer.alloc(bytes, 0x55)]);
}

/** AAC LC, 44,100 Hz, stereo. */
export const AAC_CONFIGURATION: Buffer = Buffer.from([0xaf, 0, 0x12, 0x10]);
export const AAC_FRAME: Buffer = Buffer.concat([Buffer.from([0xaf, 1]), Buffer.alloc(200, 0x21)]);
