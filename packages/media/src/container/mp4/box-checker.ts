import { type Box, MAX_HEADER_BYTES, parseBoxHeader, TOP_LEVEL_TYPES } from "./box-header.ts";

/** Checks that a segment is a sound sequence of boxes while it streams by, in constant memory. */
export interface BoxChecker {
  push(chunk: Uint8Array): void;
  /** The bytes end here. A sentence without a full stop that says what is wrong, or null. */
  end(): string | null;
}

export type BoxCheck = { ok: true } | { ok: false; problem: string };

/**
 * Starts a check. Sound are one or more top-level boxes (ISO/IEC 14496-12, 4.2), known or not, of which the last ends
 * where the bytes end, with a `moov` or an `mdat` among them, and every `moof` with its `mdat` behind it. What is in the boxes is not looked at.
 */
export function createBoxChecker(): BoxChecker {
  const header = new Uint8Array(MAX_HEADER_BYTES);
  let headerBytes = 0;
  let position = 0;
  let box: Box | null = null;
  let openMoofAt: number | null = null;
  let holdsContent = false;
  let problem: string | null = null;

  function begin(next: Box): void {
    if (!TOP_LEVEL_TYPES.has(next.type) && next.isOpenEnded) {
      problem = noBox(next);
      return;
    }
    if (next.type === "moof" && openMoofAt !== null) {
      problem = `the moof at ${openMoofAt} has no media data (mdat) behind it`;
      return;
    }
    if (next.type === "moof") {
      openMoofAt = next.start;
    } else if (next.type === "mdat") {
      openMoofAt = null;
    }
    holdsContent ||= next.type === "mdat" || next.type === "moov";
    box = next;
  }

  /** Takes what the header still needs, and gives how many bytes that was. */
  function takeHeader(chunk: Uint8Array): number {
    // Byte by byte: whether a header has 8 or 16 bytes stands in the first four.
    header[headerBytes] = chunk[0] ?? 0;
    headerBytes += 1;
    const start = position + 1 - headerBytes;
    const parsed = parseBoxHeader(header.subarray(0, headerBytes), start, Infinity);
    if (parsed.kind === "no_box") {
      problem = `at ${start} ${parsed.problem}`;
    } else if (parsed.kind === "box") {
      headerBytes = 0;
      begin(parsed.box);
    }
    return 1;
  }

  return {
    push(chunk): void {
      for (let taken = 0; taken < chunk.length && problem === null;) {
        if (box !== null && position >= box.end) {
          box = null;
        }
        const count =
          box === null
            ? takeHeader(chunk.subarray(taken, taken + 1))
            : Math.min(box.end - position, chunk.length - taken);
        taken += count;
        position += count;
      }
    },
    end(): string | null {
      if (problem !== null) {
        return problem;
      }
      if (headerBytes > 0) {
        return `the bytes end within the header of a box at ${position - headerBytes}`;
      }
      if (box === null) {
        return "there are no boxes";
      }
      // A size of 0 ends wherever the bytes do.
      if (!box.isOpenEnded && position < box.end) {
        return !TOP_LEVEL_TYPES.has(box.type)
          ? noBox(box)
          : `${box.type} at ${box.start} ends at ${box.end}, and the bytes at ${position}`;
      }
      if (openMoofAt !== null) {
        return `the moof at ${openMoofAt} has no media data (mdat) behind it`;
      }
      return holdsContent ? null : "there is neither a header (moov) nor media data (mdat)";
    },
  };
}

/** Any four letters can pass for a type. */
function noBox({ type, start }: Box): string {
  return `at ${start} something that is no box ("${type}") begins`;
}

/** The same for bytes that are there at once. */
export function checkBoxes(bytes: Uint8Array): BoxCheck {
  const checker = createBoxChecker();
  checker.push(bytes);
  const problem = checker.end();
  return problem === null ? { ok: true } : { ok: false, problem };
}
