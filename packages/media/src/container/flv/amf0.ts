/** Bytes of an onMetaData that are read; a keyframe index of hours may be longer, and nothing in it is needed. */
const MAX_SCRIPT_BYTES = 1_048_576;

const MAX_DEPTH = 32;

/** Markers of AMF0 (Adobe AMF 0, 2.1). */
const NUMBER = 0;
const BOOLEAN = 1;
const STRING = 2;
const OBJECT = 3;
const NULL = 5;
const UNDEFINED = 6;
const REFERENCE = 7;
const ECMA_ARRAY = 8;
const OBJECT_END = 9;
const STRICT_ARRAY = 10;
const DATE = 11;
const LONG_STRING = 12;

const MESSAGE = "onMetaData";
/** RTMP publishers send it so, and simple recorders keep it. */
const MESSAGE_WRAPPER = "@setDataFrame";

/**
 * The numbers on the top level of an onMetaData, by their names in lower case; booleans count as 1 and 0. Null when the
 * script data is another message. Total, without recursion: reading ends where the bytes end or make no sense, and what
 * was read until there is kept.
 */
export function readMetadataNumbers(script: Uint8Array): ReadonlyMap<string, number> | null {
  const bytes = Buffer.from(
    script.buffer,
    script.byteOffset,
    Math.min(script.length, MAX_SCRIPT_BYTES),
  );
  let at = 0;
  const takeString = (lengthBytes: 2 | 4): string => {
    const length = at + lengthBytes <= bytes.length ? bytes.readUIntBE(at, lengthBytes) : 0;
    const start = at + lengthBytes;
    at = start + length;
    return bytes.toString("utf8", start, Math.min(at, start + 256));
  };
  const takeMessage = (): string | null => {
    if (bytes[at] !== STRING) {
      return null;
    }
    at += 1;
    return takeString(2);
  };
  let message = takeMessage();
  if (message === MESSAGE_WRAPPER) {
    message = takeMessage();
  }
  const container = bytes[at];
  if (message !== MESSAGE || (container !== OBJECT && container !== ECMA_ARRAY)) {
    return null;
  }
  at += container === OBJECT ? 1 : 5;

  const numbers = new Map<string, number>();
  // What is open, from outside in: an object, or the values that a strict array still has.
  const open: ("object" | { left: number })[] = ["object"];
  while (open.length > 0 && open.length <= MAX_DEPTH && at < bytes.length) {
    const inner = open.at(-1);
    let name = "";
    if (inner === "object") {
      name = takeString(2);
      if (name === "" && bytes[at] === OBJECT_END) {
        at += 1;
        open.pop();
        continue;
      }
    } else if (inner !== undefined) {
      if (inner.left === 0) {
        open.pop();
        continue;
      }
      inner.left -= 1;
    }
    const marker = bytes[at];
    at += 1;
    switch (marker) {
      case NUMBER:
        if (open.length === 1 && at + 8 <= bytes.length) {
          numbers.set(name.toLowerCase(), bytes.readDoubleBE(at));
        }
        at += 8;
        break;
      case BOOLEAN:
        if (open.length === 1 && at < bytes.length) {
          numbers.set(name.toLowerCase(), bytes[at] === 0 ? 0 : 1);
        }
        at += 1;
        break;
      case STRING:
        takeString(2);
        break;
      case LONG_STRING:
        takeString(4);
        break;
      case OBJECT:
        open.push("object");
        break;
      case ECMA_ARRAY:
        at += 4;
        open.push("object");
        break;
      case STRICT_ARRAY:
        open.push({ left: at + 4 <= bytes.length ? bytes.readUInt32BE(at) : 0 });
        at += 4;
        break;
      case DATE:
        at += 10;
        break;
      case REFERENCE:
        at += 2;
        break;
      case NULL:
      case UNDEFINED:
        break;
      default:
        return numbers;
    }
  }
  return numbers;
}
