import { useSyncExternalStore } from "react";

/**
 * The address bar as a store. A router of our own, because stream ids are foreign text and must come out of a path as
 * they went in: the common small ones decode a path before they split it, so `a%2Fb` and `a/b` are one to them.
 */
const listeners = new Set<() => void>();

function changed(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("popstate", listener);
  };
}

const currentAddress = (): string => window.location.pathname + window.location.search;

/** Path and query of the page that is shown. */
export function useAddress(): { pathname: string; search: string } {
  const address = useSyncExternalStore(subscribe, currentAddress);
  const mark = address.indexOf("?");
  return mark === -1
    ? { pathname: address, search: "" }
    : { pathname: address.slice(0, mark), search: address.slice(mark) };
}

export interface NavigateOptions {
  /** The entry of the history is changed: for filters that are being typed. */
  replace?: boolean;
}

/** Shows another page, or the same one with another query. */
export function navigate(to: string, options: NavigateOptions = {}): void {
  if (to === currentAddress()) return;
  if (options.replace === true) window.history.replaceState(null, "", to);
  else window.history.pushState(null, "", to);
  changed();
}
