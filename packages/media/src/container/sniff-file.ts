import { id3TagBytes } from "./adts/id3-tag.ts";
import { SNIFF_BYTES, sniffContainer, type SniffResult } from "./sniff.ts";

/**
 * The container of a file by its first bytes; by those behind an ID3 tag where that reaches further than they do. A tag
 * with a picture in it is easily larger than what is read of a file at first.
 *
 * @param head The first SNIFF_BYTES, or all of a shorter file.
 * @param readAt Reads so many bytes from an offset, fewer where the file ends.
 */
export async function sniffFile(
  head: Uint8Array,
  readAt: (offset: number, length: number) => Promise<Uint8Array>,
): Promise<SniffResult> {
  const sniffed = sniffContainer(head);
  const tagBytes = id3TagBytes(head, 0);
  if (sniffed.container !== "unknown" || tagBytes < head.length) {
    return sniffed;
  }
  const behind = sniffContainer(await readAt(tagBytes, SNIFF_BYTES));
  // Only AAC is written behind such a tag: anything else is not what players would take it for.
  return behind.container === "aac" ? behind : sniffed;
}
