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
   * @param isLong Long reads leave one place of a host to the short ones, where it has more than one: else a few
   *   downloads could keep every look at other recordings waiting for hours.
   * @throws the reason of the signal when that aborts.
   */
  acquire(host: string, signal: AbortSignal | undefined, isLong?: boolean): Promise<HostPermit>;
}

/** So many answers in a row without a refusal raise a lowered limit by one. */
const SUCCESSES_PER_STEP = 10;
/** And so does so much time without one: long downloads succeed once an hour. */
const MS_PER_STEP = 30_000;
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
  isLong: boolean;
  /** The refusals that had happened when it was given. */
  refusals: number;
}

interface Host {
  limit: number;
  places: Set<Place>;
  waiting: { turn: () => void; isLong: boolean }[];
  successes: number;
  refusals: number;
  pausedUntilMs: number;
  /** From when on time raises a lowered limit. */
  recoversSinceMs: number;
  timer: NodeJS.Timeout | null;
}

/**
 * Bounds the requests under way at each host, first come first served. The bound is halved (to 1 at least) when the
 * host refuses, once for all requests that were under way at that moment, and grows by one with every ten successes, or
 * with every 30 s without a refusal, up to `maxPerHost` again.
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
      recoversSinceMs: 0,
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
    recover(host, nowMs, maxPerHost);
    while (nowMs >= host.pausedUntilMs && host.places.size < host.limit) {
      const next = takeNext(host);
      if (next === undefined) {
        break;
      }
      next.turn();
    }
    if (host.waiting.length > 0) {
      const inMs = Math.max(host.pausedUntilMs - nowMs, RECLAIM_EVERY_MS);
      host.timer = setTimeout(() => serve(host), inMs);
    }
  }

  function place(host: Host, isLong: boolean): HostPermit {
    const own: Place = { parkedSinceMs: null, isHeld: true, isLong, refusals: host.refusals };
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
        host.recoversSinceMs = host.pausedUntilMs;
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
    async acquire(name, signal, isLong = false): Promise<HostPermit> {
      signal?.throwIfAborted();
      const host = hostOf(name);
      return await new Promise<HostPermit>((resolve, reject) => {
        const turn = (): void => {
          signal?.removeEventListener("abort", giveUp);
          resolve(place(host, isLong));
        };
        const giveUp = (): void => {
          host.waiting = host.waiting.filter((other) => other.turn !== turn);
          serve(host);
          reject(signal?.reason as Error);
        };
        signal?.addEventListener("abort", giveUp, { once: true });
        host.waiting.push({ turn, isLong });
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

/** The first in line, of those for whom there is a place. */
function takeNext(host: Host): Host["waiting"][number] | undefined {
  const long = [...host.places].filter((place) => place.isLong).length;
  const hasRoomForLong = long < Math.max(1, host.limit - 1);
  const index = host.waiting.findIndex(({ isLong }) => hasRoomForLong || !isLong);
  return index === -1 ? undefined : host.waiting.splice(index, 1)[0];
}

function recover(host: Host, nowMs: number, maxPerHost: number): void {
  const steps = Math.floor((nowMs - host.recoversSinceMs) / MS_PER_STEP);
  if (steps > 0) {
    host.limit = Math.min(maxPerHost, host.limit + steps);
    host.recoversSinceMs += steps * MS_PER_STEP;
  }
}

function forgetIdle(hosts: Map<string, Host>): void {
  for (const [name, host] of hosts) {
    if (host.places.size === 0 && host.waiting.length === 0) {
      hosts.delete(name);
    }
  }
}
