const BYTEA_OID = 17;
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;

/**
 * A parameter of type `bytea[]` in Postgres' binary format, which the driver sends for a Buffer as it is. An array of
 * Buffers it would write out in hex, which doubles what Node, the socket and Postgres have to move: the bodies are most
 * of what stage 1 sends.
 *
 * The format is that of `array_recv` (src/backend/utils/adt/arrayfuncs.c): dimensions, whether there are nulls, the
 * type of the elements; length and lower bound of the dimension; then each element behind its length, all big-endian.
 */
export function byteaArray(elements: readonly Uint8Array[]): Buffer {
  const bytes = elements.reduce((sum, { byteLength }) => sum + LENGTH_BYTES + byteLength, 0);
  const array = Buffer.allocUnsafe(HEADER_BYTES + bytes);
  array.writeInt32BE(1, 0);
  array.writeInt32BE(0, 4);
  array.writeUInt32BE(BYTEA_OID, 8);
  array.writeInt32BE(elements.length, 12);
  array.writeInt32BE(1, 16);
  let at = HEADER_BYTES;
  for (const element of elements) {
    at = array.writeInt32BE(element.byteLength, at);
    array.set(element, at);
    at += element.byteLength;
  }
  return array;
}
