import type { Page } from "@reelgate/shared/contract/recording";

/** A list that is read page by page while it changes at the server. Rows keep their place until the reader asks. */
export interface LiveList<T> {
  items: readonly T[];
  /** Where each page that was read begins: its cursor, and the index of its first row. */
  pages: readonly { cursor: string | null; start: number }[];
  nextCursor: string | null;
  /** Rows that were read and are not at the server any more under the same filter. */
  goneIds: ReadonlySet<string>;
  /** Rows that have come since the list was read, and are not shown. */
  arrivedIds: ReadonlySet<string>;
}

interface Identified {
  id: string;
}

/** The list after its first page. */
export function firstPage<T extends Identified>(page: Page<T>): LiveList<T> {
  return {
    items: page.items,
    pages: [{ cursor: null, start: 0 }],
    nextCursor: page.nextCursor,
    goneIds: new Set(),
    arrivedIds: new Set(),
  };
}

/** The list with one more page at its end. A row that is in it already is not there twice. */
export function withNextPage<T extends Identified>(list: LiveList<T>, page: Page<T>): LiveList<T> {
  const known = new Set(list.items.map(({ id }) => id));
  return {
    ...list,
    items: [...list.items, ...page.items.filter(({ id }) => !known.has(id))],
    pages: [...list.pages, { cursor: list.nextCursor, start: list.items.length }],
    nextCursor: page.nextCursor,
  };
}

/**
 * The list after one of its pages was read again: rows are brought up to date where they are. What is new is counted,
 * what has gone is marked; neither moves a row.
 */
export function withRefreshedPage<T extends Identified>(
  list: LiveList<T>,
  cursor: string | null,
  answer: Page<T>,
): LiveList<T> {
  const page = list.pages.find((candidate) => candidate.cursor === cursor);
  if (page === undefined) return list;
  const indexOf = new Map(list.items.map(({ id }, index) => [id, index]));
  const items = [...list.items];
  const goneIds = new Set(list.goneIds);
  const arrivedIds = new Set(list.arrivedIds);
  const lastKnown = answer.items.findLastIndex(({ id }) => indexOf.has(id));
  let lastIndex = page.start - 1;
  for (const [position, item] of answer.items.entries()) {
    const index = indexOf.get(item.id);
    if (index !== undefined) {
      items[index] = item;
      goneIds.delete(item.id);
      lastIndex = Math.max(lastIndex, index);
      continue;
    }
    // Beyond the end of what was read it is no news: the next page will bring it.
    const isBeforeEnd = position < lastKnown || list.nextCursor === null;
    if (isBeforeEnd || (cursor === null && lastKnown === -1)) arrivedIds.add(item.id);
  }
  // The answer tells of every row up to its last one, and of all when nothing follows.
  if (answer.nextCursor === null) lastIndex = list.items.length - 1;
  const answered = new Set(answer.items.map(({ id }) => id));
  for (let index = page.start; index <= lastIndex; index++) {
    const id = list.items[index]?.id;
    if (id !== undefined && !answered.has(id)) goneIds.add(id);
  }
  return { ...list, items, goneIds, arrivedIds };
}
