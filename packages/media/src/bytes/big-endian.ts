/** Big-endian numbers, as ISO boxes, FLV tags and MPEG headers have them. Bytes beyond the end read as 0: whoever must know checks the length first. */
export function uint8At(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}

export function uint16At(bytes: Uint8Array, index: number): number {
  return uint8At(bytes, index) * 0x100 + uint8At(bytes, index + 1);
}

export function uint24At(bytes: Uint8Array, index: number): number {
  return uint16At(bytes, index) * 0x100 + uint8At(bytes, index + 2);
}

export function uint32At(bytes: Uint8Array, index: number): number {
  return uint16At(bytes, index) * 0x1_0000 + uint16At(bytes, index + 2);
}

export function int32At(bytes: Uint8Array, index: number): number {
  return uint32At(bytes, index) | 0;
}

/** Infinity when it is no safe integer: no file and no recording is that long, and comparisons stay right. */
export function uint64At(bytes: Uint8Array, index: number): number {
  const high = uint32At(bytes, index);
  return high < 0x20_0000 ? high * 0x1_0000_0000 + uint32At(bytes, index + 4) : Infinity;
}

export function fourCcAt(bytes: Uint8Array, index: number): string {
  return String.fromCharCode(
    uint8At(bytes, index),
    uint8At(bytes, index + 1),
    uint8At(bytes, index + 2),
    uint8At(bytes, index + 3),
  );
}

/** True when the characters stand there, each as the byte of its code. */
export function asciiAt(bytes: Uint8Array, index: number, characters: string): boolean {
  for (let position = 0; position < characters.length; position += 1) {
    if (bytes[index + position] !== characters.charCodeAt(position)) {
      return false;
    }
  }
  return true;
}
