import { useCallback, useEffect, useRef, useState } from "react";
import type { Page } from "@reelgate/shared/contract/recording";
import { readPage } from "../api/read-page.ts";
import { firstPage, withNextPage, withRefreshedPage } from "./live-list.ts";
import type { LiveList } from "./live-list.ts";

/** Rows of one page of the reader. */
export const PAGE_ROWS = 50;

/** How often the list is brought up to date while it is visible; milliseconds. */
const REFRESH_MS = 4000;

/** Lists that the reader may come back to with the browser's own button. */
const kept = new Map<string, LiveList<{ id: string }>>();
const MAX_KEPT = 8;

function keep(key: string, list: LiveList<{ id: string }>): void {
  kept.delete(key);
  kept.set(key, list);
  for (const oldest of [...kept.keys()].slice(0, -MAX_KEPT)) kept.delete(oldest);
}

export interface LiveListState<T> {
  list: LiveList<T> | null;
  /** Why the first page or the next one could not be read. */
  error: unknown;
  isLoadingMore: boolean;
  loadMore: () => void;
  /** Reads the list anew from its beginning. */
  restart: () => void;
}

type Fetch<T> = (cursor: string | null, signal: AbortSignal) => Promise<Page<T>>;

/**
 * A list of the API that the reader goes on in, and that is brought up to date meanwhile: the first page each time, and
 * the others in turn. `key` names the list; another key is another list.
 */
export function useLiveList<T extends { id: string }>(
  key: string,
  fetchPage: Fetch<T>,
): LiveListState<T> {
  const [state, setState] = useState<{ key: string; list: LiveList<T> | null }>(() => ({
    key,
    list: (kept.get(key) as LiveList<T> | undefined) ?? null,
  }));
  const [error, setError] = useState<unknown>(null);
  const [isLoadingMore, setLoadingMore] = useState(false);
  const [round, setRound] = useState(0);
  const fetchRef = useRef(fetchPage);
  fetchRef.current = fetchPage;
  const list =
    state.key === key ? state.list : ((kept.get(key) as LiveList<T> | undefined) ?? null);
  const listRef = useRef(list);
  listRef.current = list;
  const controllerRef = useRef<AbortController | null>(null);

  const show = useCallback(
    (next: LiveList<T>): void => {
      keep(key, next);
      listRef.current = next;
      setState({ key, list: next });
    },
    [key],
  );

  useEffect(() => {
    const controller = new AbortController();
    controllerRef.current = controller;
    setError(null);
    setLoadingMore(false);
    const { signal } = controller;
    let turn = 0;

    const readFirst = async (): Promise<void> => {
      try {
        const page = await readPage((cursor) => fetchRef.current(cursor, signal), null, PAGE_ROWS);
        setError(null);
        show(firstPage(page));
      } catch (thrown) {
        if (!signal.aborted) setError(thrown);
      }
    };
    const refresh = async (): Promise<void> => {
      const current = listRef.current;
      if (current === null) return await readFirst();
      turn += 1;
      const others = current.pages.slice(1);
      const other = others[turn % Math.max(1, others.length)];
      for (const { cursor } of [{ cursor: null }, ...(other === undefined ? [] : [other])]) {
        try {
          const answer = await fetchRef.current(cursor, signal);
          if (listRef.current !== null && !signal.aborted) {
            show(withRefreshedPage(listRef.current, cursor, answer));
          }
        } catch {
          // The banner of the layout tells that the API is away; what is shown stays.
        }
      }
    };

    let timer: ReturnType<typeof setTimeout> | null = null;
    const schedule = (): void => {
      timer = setTimeout(() => {
        void (document.hidden ? Promise.resolve() : refresh()).then(() => {
          if (!signal.aborted) schedule();
        });
      }, REFRESH_MS);
    };
    const onVisible = (): void => {
      if (!document.hidden) void refresh();
    };
    void refresh().then(() => {
      if (!signal.aborted) schedule();
    });
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      controller.abort();
      if (timer !== null) clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [key, round, show]);

  const loadMore = useCallback((): void => {
    const current = listRef.current;
    const signal = controllerRef.current?.signal;
    if (current === null || current.nextCursor === null || signal === undefined) return;
    setLoadingMore(true);
    readPage((cursor) => fetchRef.current(cursor, signal), current.nextCursor, PAGE_ROWS)
      .then((page) => {
        setError(null);
        // What a refresh has changed meanwhile is kept.
        if (listRef.current !== null) show(withNextPage(listRef.current, page));
      })
      .catch((thrown: unknown) => {
        if (!signal.aborted) setError(thrown);
      })
      .finally(() => {
        if (!signal.aborted) setLoadingMore(false);
      });
  }, [show]);

  const restart = useCallback((): void => {
    kept.delete(key);
    listRef.current = null;
    setState({ key, list: null });
    setRound((value) => value + 1);
  }, [key]);

  return { list, error, isLoadingMore, loadMore, restart };
}
