/** The right to have one request under way. Ends with `release`, which may be called again. */
export interface HostPermit {
  /** The origin refused for now (429, 503): fewer at a time, and none before so long. */
  refused(retryAfterMs: number | null): void;
  /** The answer is held, but nobody reads it at the moment. */
  parked(): void;
  /** Somebody reads it again. */
  reading(): void;
  release(): void;
}

export interface HostLimits {
  /**
   * Resolves in the order of the calls for a host, when the host has a place.
   *
   * @param host Name and port.
   * @throws the reason of the signal when that aborts.
   */
  acquire(host: string, signal: AbortSignal | undefined): Promise<HostPermit>;
}

/** So many answers in a row without a refusal raise a lowered limit by one. */
const SUCCESSES_PER_STEP = 10;
/** A host is left alone for as long as it asks, up to here; a longer wait is the callers' to schedule. */
const MAX_PAUSE_MS = 30_000;
/** Whose answer lies unread for so long, while others wait, has lost its place. See `reclaim`. */
const MAX_PARKED_MS = 1000;
const RECLAIM_EVERY_MS = 250;
/** Hosts come from foreign URLs: those that nothing is asked of are forgotten beyond so many. */
const MAX_IDLE_HOSTS = 256;

interface Place {
  parkedSinceMs: number | null;
  isHeld: boolean;
  /** The refusals that had happened when it was given. */
  refusals: number;
}

interface Host {
  limit: number;
  places: Set<Place>;
  waiting: (() => void)[];
  successes: number;
  refusals: number;
  pausedUntilMs: number;
  timer: NodeJS.Timeout | null;
}

/**
 * Bounds the requests under way at each host, first come first served. The bound is halved (to 1 at least) when the
 * host refuses, once for all requests that were under way at that moment, and grows by one with every ten successes up
 * to `maxPerHost` again.
 */
export function createHostLimits(maxPerHost: number): HostLimits {
  const hosts = new Map<string, Host>();

  function hostOf(name: string): Host {
    const known = hosts.get(name);
    if (known !== undefined) {
      return known;
    }
    if (hosts.size >= MAX_IDLE_HOSTS) {
      forgetIdle(hosts);
    }
    const fresh: Host = {
      limit: maxPerHost,
      places: new Set(),
      waiting: [],
      successes: 0,
      refusals: 0,
      pausedUntilMs: 0,
      timer: null,
    };
    hosts.set(name, fresh);
    return fresh;
  }

  function serve(host: Host): void {
    if (host.timer !== null) {
      clearTimeout(host.timer);
      host.timer = null;
    }
    const nowMs = performance.now();
    reclaim(host, nowMs);
    while (nowMs >= host.pausedUntilMs && host.places.size < host.limit) {
      const next = host.waiting.shift();
      if (next === undefined) {
        return;
      }
      next();
    }
    if (host.waiting.length > 0) {
      const inMs = Math.max(host.pausedUntilMs - nowMs, RECLAIM_EVERY_MS);
      host.timer = setTimeout(() => serve(host), inMs);
    }
  }

  function place(host: Host): HostPermit {
    const own: Place = { parkedSinceMs: null, isHeld: true, refusals: host.refusals };
    let wasRefused = false;
    host.places.add(own);
    return {
      refused(retryAfterMs): void {
        wasRefused = true;
        if (own.refusals === host.refusals) {
          host.refusals += 1;
          host.limit = Math.max(1, Math.floor(host.limit / 2));
          host.successes = 0;
        }
        const pauseMs = Math.min(retryAfterMs ?? 0, MAX_PAUSE_MS);
        host.pausedUntilMs = Math.max(host.pausedUntilMs, performance.now() + pauseMs);
      },
      parked(): void {
        own.parkedSinceMs = performance.now();
      },
      reading(): void {
        own.parkedSinceMs = null;
      },
      release(): void {
        if (!own.isHeld) {
          return;
        }
        own.isHeld = false;
        host.places.delete(own);
        if (!wasRefused && host.limit < maxPerHost) {
          host.successes += 1;
          if (host.successes % SUCCESSES_PER_STEP === 0) {
            host.limit += 1;
          }
        }
        serve(host);
      },
    };
  }

  return {
    async acquire(name, signal): Promise<HostPermit> {
      signal?.throwIfAborted();
      const host = hostOf(name);
      return await new Promise<HostPermit>((resolve, reject) => {
        const turn = (): void => {
          signal?.removeEventListener("abort", giveUp);
          resolve(place(host));
        };
        const giveUp = (): void => {
          host.waiting = host.waiting.filter((other) => other !== turn);
          serve(host);
          reject(signal?.reason as Error);
        };
        signal?.addEventListener("abort", giveUp, { once: true });
        host.waiting.push(turn);
        serve(host);
      });
    },
  };
}

/**
 * Takes places back from answers that nobody reads. Else readers that hold one answer while they ask for another (a
 * playlist, and the segments in it) could hold all places and wait for each other for ever.
 */
function reclaim(host: Host, nowMs: number): void {
  for (const place of host.waiting.length > 0 ? host.places : []) {
    if (place.parkedSinceMs !== null && nowMs - place.parkedSinceMs >= MAX_PARKED_MS) {
      host.places.delete(place);
    }
  }
}

function forgetIdle(hosts: Map<string, Host>): void {
  for (const [name, host] of hosts) {
    if (host.places.size === 0 && host.waiting.length === 0) {
      hosts.delete(name);
    }
  }
}
