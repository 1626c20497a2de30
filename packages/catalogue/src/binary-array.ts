/** Object ids of Postgres' types (src/include/catalog/pg_type.dat). */
const BYTEA_OID = 17;
const TEXT_OID = 25;
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;

/**
 * A parameter of type `bytea[]` in Postgres' binary format, which the driver sends for a Buffer as it is. An array of
 * Buffers it would write out in hex, which doubles what Node, the socket and Postgres have to move: the bodies are most
 * of what stage 1 sends.
 */
export function byteaArray(elements: readonly Uint8Array[]): Buffer {
  return binaryArray(
    BYTEA_OID,
    elements,
    ({ byteLength }) => byteLength,
    (element, array, at) => array.set(element, at),
  );
}

/**
 * A parameter of type `text[]` in Postgres' binary format. The driver would put an array together piece by piece, with
 * each element in quotes, all of which is garbage then.
 */
export function textArray(elements: readonly (string | null)[]): Buffer {
  return binaryArray(
    TEXT_OID,
    elements,
    (element) => Buffer.byteLength(element),
    (element, array, at) => array.write(element, at),
  );
}

/**
 * The format is that of `array_recv` (src/backend/utils/adt/arrayfuncs.c): dimensions, whether there are nulls, the
 * type of the elements; length and lower bound of the dimension; then each element behind its length, all big-endian.
 */
function binaryArray<T extends object | string>(
  elementOid: number,
  elements: readonly (T | null)[],
  sizeBytes: (element: T) => number,
  write: (element: T, array: Buffer, at: number) => void,
): Buffer {
  const sizes = elements.map((element) => (element === null ? NULL_LENGTH : sizeBytes(element)));
  const total = sizes.reduce((sum, size) => sum + LENGTH_BYTES + Math.max(size, 0), HEADER_BYTES);
  const array = Buffer.allocUnsafe(total);
  array.writeInt32BE(1, 0);
  array.writeInt32BE(sizes.includes(NULL_LENGTH) ? 1 : 0, 4);
  array.writeUInt32BE(elementOid, 8);
  array.writeInt32BE(elements.length, 12);
  array.writeInt32BE(1, 16);
  let at = HEADER_BYTES;
  for (const [index, element] of elements.entries()) {
    const size = sizes[index] ?? NULL_LENGTH;
    at = array.writeInt32BE(size, at);
    if (element === null) continue;
    write(element, array, at);
    at += size;
  }
  return array;
}
