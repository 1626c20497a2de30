/** The boxes between two positions: `{ type, start, header, end }`, `header` being the bytes of size and type. */
export function boxes(file, from = 0, to = file.length) {
  const found = [];
  for (let at = from; at + 8 <= to; ) {
    const size32 = file.readUInt32BE(at);
    const header = size32 === 1 ? 16 : 8;
    const size = size32 === 1 ? Number(file.readBigUInt64BE(at + 8)) : size32 || to - at;
    found.push({ type: file.toString("latin1", at + 4, at + 8), start: at, header, end: at + size });
    at += size;
  }
  return found;
}

/** All boxes under a path such as `moov/trak/mdia/minf/stbl/stco`, each with its parents, outermost first. */
export function find(file, path, from = 0, to = file.length, parents = []) {
  const [type, ...rest] = path.split("/");
  return boxes(file, from, to)
    .filter((box) => box.type === type)
    .flatMap((box) =>
      rest.length === 0
        ? [{ ...box, parents }]
        : find(file, rest.join("/"), box.start + box.header, box.end, [...parents, box]),
    );
}

export function replace(file, start, end, by) {
  return Buffer.concat([file.subarray(0, start), by, file.subarray(end)]);
}
