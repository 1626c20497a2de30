import type { PageRequest } from "@reelgate/catalogue/page";
import type { Page } from "@reelgate/shared/contract/recording";
import type { CommandIo, ExitCode } from "../command-io.ts";
import type { Table } from "../text/table.ts";

/** Rows that are read at a time. */
const PAGE_SIZE = 200;

/**
 * Every item of a list, page by page, up to a limit. One page is held at a time, however long the list is.
 *
 * @param limit null for all of them.
 */
export async function* pagesOf<T>(
  list: (page: PageRequest) => Promise<Page<T>>,
  limit: number | null,
  signal: AbortSignal,
): AsyncIterable<T[]> {
  let left = limit ?? Infinity;
  let cursor: string | null = null;
  do {
    signal.throwIfAborted();
    // Also where few are wanted: a page may have none, where what passes lies far apart.
    const page: Page<T> = await list({ limit: PAGE_SIZE, cursor });
    const items = page.items.slice(0, left);
    if (items.length > 0) yield items;
    left -= items.length;
    cursor = page.nextCursor;
  } while (cursor !== null && left > 0);
}

export interface ListOutput {
  json: boolean;
  /** How many are shown at most; null for all. */
  limit: number | null;
  /** What one of them is called. */
  what: string;
}

/** Prints a list: as a table, or as one JSON object a line. */
export async function printList<T>(
  list: (page: PageRequest) => Promise<Page<T>>,
  table: Table<T>,
  output: ListOutput,
  io: CommandIo,
): Promise<ExitCode> {
  let shown = 0;
  // One more than is shown tells whether there are more.
  const asked = output.limit === null ? null : output.limit + 1;
  let isMore = false;
  for await (const items of pagesOf(list, asked, io.signal)) {
    const rows = output.limit === null ? items : items.slice(0, output.limit - shown);
    isMore ||= rows.length < items.length;
    if (rows.length === 0) continue;
    shown += rows.length;
    await io.print(
      output.json ? rows.map((row) => `${JSON.stringify(row)}\n`).join("") : table.lines(rows),
    );
  }
  if (output.json) return 0;
  if (shown === 0) io.note(`No ${output.what} found.\n`);
  else if (isMore) io.note(`Only the first ${shown} are shown: --limit or --all shows more.\n`);
  return 0;
}
