import type { Box } from "./box-header.ts";
import type { BoxReader } from "./box-reader.ts";

/** Sentences about what is wrong with the structure of a file. */
export interface Problems {
  add(problem: string): void;
}

/** A header tree that was made to be long is not followed to its end. Real boxes have a dozen children, a movie some tracks. */
const MAX_CHILDREN = 512;

/**
 * The boxes inside a box, one jump each, so that the bodies of large ones are never read. One that ends beyond its parent
 * is a problem, and is given as far as its parent reaches. Ends silently where the file ends: that is known from the
 * top-level boxes.
 */
export async function* childrenOf(
  reader: BoxReader,
  parent: Box,
  problems: Problems,
  { fetchBytes }: { fetchBytes?: number } = {},
): AsyncGenerator<Box, void, undefined> {
  let at = parent.bodyStart;
  for (let count = 0; at < parent.end && at < reader.sizeBytes; count += 1) {
    if (count === MAX_CHILDREN) {
      problems.add(`${nameOf(parent)} has more than ${MAX_CHILDREN} boxes in it`);
      return;
    }
    const header = await reader.header(at, parent.end, fetchBytes);
    switch (header.kind) {
      case "cut":
        if (parent.end <= reader.sizeBytes) {
          problems.add(`${nameOf(parent)} ends within the header of a box at ${at}`);
        }
        return;
      case "no_box":
        problems.add(`in ${nameOf(parent)} ${header.problem} at ${at}`);
        return;
      case "box":
        break;
      default:
        header satisfies never;
    }
    const { box } = header;
    if (box.end > parent.end) {
      problems.add(`${nameOf(box)} ends ${box.end - parent.end} bytes beyond its ${parent.type}`);
      yield { ...box, end: parent.end };
      return;
    }
    yield box;
    at = box.end;
  }
}

/** How findings speak of a box. */
export function nameOf(box: Box): string {
  return `${box.type} at ${box.start}`;
}
