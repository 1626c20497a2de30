/** The tags of a FLV file: `{ start, type, timestampMs, data, end }`, `end` being behind the PreviousTagSize. */
export function tags(file) {
  const found = [];
  for (let at = 13; at + 11 <= file.length; ) {
    const size = file.readUIntBE(at + 1, 3);
    found.push({
      start: at,
      type: file[at],
      timestampMs: file.readUIntBE(at + 4, 3) + file[at + 7] * 2 ** 24,
      data: file.subarray(at + 11, at + 11 + size),
      end: at + 11 + size + 4,
    });
    at = found.at(-1).end;
  }
  return found;
}

export function tag(type, timestampMs, data) {
  const bytes = Buffer.alloc(11 + data.length + 4);
  bytes[0] = type;
  bytes.writeUIntBE(data.length, 1, 3);
  bytes.writeUIntBE(timestampMs & 0xffffff, 4, 3);
  bytes[7] = Math.floor(timestampMs / 2 ** 24);
  data.copy(bytes, 11);
  bytes.writeUInt32BE(11 + data.length, 11 + data.length);
  return bytes;
}

/** @param flags 1 video, 4 audio */
export function fileHeader(flags) {
  return Buffer.from([0x46, 0x4c, 0x56, 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]);
}

const name = (text) => Buffer.concat([Buffer.from([text.length >> 8, text.length & 255]), Buffer.from(text)]);
const double = (value) => {
  const bytes = Buffer.alloc(9);
  bytes.writeDoubleBE(value, 1);
  return bytes;
};

/** The data of an onMetaData tag with numbers alone (AMF0 ECMA array). */
export function onMetaData(values) {
  const entries = Object.entries(values);
  const count = Buffer.alloc(5);
  count[0] = 8;
  count.writeUInt32BE(entries.length, 1);
  return Buffer.concat([
    Buffer.from([2]),
    name("onMetaData"),
    count,
    ...entries.flatMap(([key, value]) => [name(key), double(value)]),
    Buffer.from([0, 0, 9]),
  ]);
}
