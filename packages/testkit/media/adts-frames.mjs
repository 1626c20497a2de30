/** The frames of an ADTS file without tags. */
export function frames(file) {
  const found = [];
  for (let at = 0; at + 7 <= file.length; ) {
    if (file.readUInt16BE(at) >> 4 !== 0xfff) throw new Error(`no ADTS frame at ${at}`);
    const length = ((file[at + 3] & 3) << 11) | (file[at + 4] << 3) | (file[at + 5] >> 5);
    found.push(file.subarray(at, at + length));
    at += length;
  }
  return found;
}

/** An ID3v2.4 tag with one frame. */
export function id3v2(frameId, content) {
  const synchsafe = (value) => [value >> 21, value >> 14, value >> 7, value].map((part) => part & 127);
  const frame = Buffer.concat([Buffer.from(frameId), Buffer.from([...synchsafe(content.length), 0, 0]), content]);
  return Buffer.concat([Buffer.from("ID3\x04\0\0", "latin1"), Buffer.from(synchsafe(frame.length)), frame]);
}
