/** What a test has started and must stop: servers, proxies, processes, databases. */
const open = new Map<symbol, { name: string; stop: () => Promise<void> }>();

/**
 * Notes that something runs now.
 *
 * @returns what to call when it was stopped
 */
export function trackHandle(name: string, stop: () => Promise<void>): () => void {
  const key = Symbol(name);
  open.set(key, { name, stop });
  return () => {
    open.delete(key);
  };
}

/**
 * Stops what is still open, so that it cannot disturb the next file, and names it.
 *
 * @returns the names of what had been left open
 */
export async function stopOpenHandles(): Promise<string[]> {
  const left = [...open.values()];
  open.clear();
  await Promise.allSettled(left.map((handle) => handle.stop()));
  return left.map((handle) => handle.name);
}
