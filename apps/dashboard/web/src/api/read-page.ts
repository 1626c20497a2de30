import type { Page } from "@reelgate/shared/contract/recording";

/** Requests for one page of the reader: the API gives less than was asked for when a filter rarely matches. */
const MAX_REQUESTS = 20;

/**
 * Reads on until there are enough rows or nothing follows: a page of the API may be short, or empty, before the end.
 */
export async function readPage<T>(
  fetchPage: (cursor: string | null) => Promise<Page<T>>,
  cursor: string | null,
  enough: number,
): Promise<Page<T>> {
  const items: T[] = [];
  let nextCursor = cursor;
  for (let requests = 0; requests < MAX_REQUESTS; requests++) {
    const page = await fetchPage(nextCursor);
    items.push(...page.items);
    nextCursor = page.nextCursor;
    if (nextCursor === null || items.length >= enough) break;
  }
  return { items, nextCursor };
}
