import type { OriginFault } from "./media-origin-faults.ts";

/** What was asked of a path. */
export interface PathCounters {
  requests: number;
  /** The Range header of each request, in order; null: none. */
  ranges: (string | null)[];
  /** Body bytes handed to sockets. */
  sentBytes: number;
  /** Being answered now. */
  concurrent: number;
  maxConcurrent: number;
}

/** More than `max` requests at a time are answered with this status (default 429), and Retry-After if given. */
export interface ConcurrencyLimit {
  max: number;
  status?: 429 | 503;
  retryAfterS?: number;
}

/** One request, as the counters see it. */
interface Turn {
  /** Set when there were too many at a time. */
  refusal: OriginFault | null;
  readonly sent: (bytes: number) => void;
  readonly end: () => void;
}

/** Counts requests and bytes, of each path and altogether. A refused request does not count as being answered. */
export class OriginCounters {
  limit: ConcurrencyLimit | null = null;
  sentBytes = 0;
  maxConcurrent = 0;
  #concurrent = 0;
  readonly #paths = new Map<string, PathCounters>();

  of(path: string): PathCounters {
    const known = this.#paths.get(path);
    if (known !== undefined) {
      return known;
    }
    const fresh = { requests: 0, ranges: [], sentBytes: 0, concurrent: 0, maxConcurrent: 0 };
    this.#paths.set(path, fresh);
    return fresh;
  }

  begin(path: string, range: string | null): Turn {
    const own = this.of(path);
    own.requests += 1;
    own.ranges.push(range);
    const sent = (bytes: number): void => {
      own.sentBytes += bytes;
      this.sentBytes += bytes;
    };
    if (this.limit !== null && this.#concurrent >= this.limit.max) {
      return { refusal: refusal(this.limit), sent, end: () => {} };
    }
    own.concurrent += 1;
    this.#concurrent += 1;
    own.maxConcurrent = Math.max(own.maxConcurrent, own.concurrent);
    this.maxConcurrent = Math.max(this.maxConcurrent, this.#concurrent);
    return {
      refusal: null,
      sent,
      end: () => {
        own.concurrent -= 1;
        this.#concurrent -= 1;
      },
    };
  }
}

function refusal({ status = 429, retryAfterS }: ConcurrencyLimit): OriginFault {
  const headers: Record<string, string> =
    retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) };
  return { kind: "status", status, headers };
}
