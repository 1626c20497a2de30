/** How the origin misbehaves on a path. Byte positions count from the start of the answered body, unless it says else. */
export type OriginFault =
  /** Ignores Range: always 200 with the whole file. */
  | { kind: "no-range" }
  /** Answers 206 with this Content-Range (null: none) and the bytes that were asked for. */
  | { kind: "wrong-206"; contentRange: string | null }
  /** Answers a range with at most so many bytes of it, as RFC 9110 (15.3.7) allows. */
  | { kind: "short-206"; maxBytes: number }
  /** Answers 206 from the file that is there now, whatever If-Range says. */
  | { kind: "ignores-if-range" }
  /** Sends the body in pieces with a pause before each. */
  | { kind: "slow"; chunkBytes: number; intervalMs: number }
  /** Sends so many bytes, then nothing, and keeps the connection. */
  | { kind: "stall"; atByte: number }
  /** Accepts the request and never answers. */
  | { kind: "no-answer" }
  /** Sends so many bytes, then resets the connection (or only closes it). */
  | { kind: "drop"; atByte: number; how?: "reset" | "close" }
  /** Resets the connection wherever the FILE's position passes a multiple of `everyBytes`. */
  | { kind: "drop-every"; everyBytes: number }
  /** Answers with this status and no file. */
  | { kind: "status"; status: number; headers?: Record<string, string>; body?: string }
  /** Serves a file that ends at this byte, as if it were so on disk. */
  | { kind: "truncated"; atByte: number }
  /** Redirects to `location`, as it stands. */
  | { kind: "redirect"; location: string; status?: 301 | 302 | 303 | 307 | 308 }
  /** Redirects to itself so often, then serves the file. Without `hops`: for ever. */
  | { kind: "redirect-chain"; hops?: number }
  /** Compresses, whatever was accepted. */
  | { kind: "gzip" }
  /** Sends the whole file without Content-Length and without Range. */
  | { kind: "chunked" }
  /** Sends random bytes for ever, after `start`. */
  | { kind: "infinite"; start?: Uint8Array };

/** The faults of an origin, by path. */
export class FaultTable {
  readonly #faults = new Map<string, { fault: OriginFault; left: number }>();

  set(path: string, fault: OriginFault | null, times: number): void {
    if (fault === null) {
      this.#faults.delete(path);
    } else {
      this.#faults.set(path, { fault, left: times });
    }
  }

  /** The fault of this request, which uses it up by one. The path's own goes before that of every path (`*`). */
  take(path: string): OriginFault | null {
    const key = this.#faults.has(path) ? path : "*";
    const entry = this.#faults.get(key);
    if (entry === undefined) {
      return null;
    }
    entry.left -= 1;
    if (entry.left <= 0) {
      this.#faults.delete(key);
    }
    return entry.fault;
  }
}
