import { AppError } from "@reelgate/shared/errors";
import type { Bandwidth } from "./bandwidth.ts";
import type { HostLimits, HostPermit } from "./host-limits.ts";
import type { ReadDeadline } from "./read-deadline.ts";
import type { SpeedWatch } from "./speed-watch.ts";

/** The place that one read has at a host, from its request to the end of its body. Redirects move it. */
export interface HostTurn {
  /** Gives the place up for one at another host. Does nothing when that is the host already. */
  moveTo(host: string, signal: AbortSignal): Promise<void>;
  /** Tells the host's limit about a refusal. */
  failed(error: unknown): void;
  /** The headers stand; until somebody reads the body, the place counts as idle. */
  park(): void;
  /**
   * The body, at the pace of the bandwidth. The place counts as idle while nobody asks for the next piece. Deadline and
   * speed are those of the origin: neither counts the wait for the bandwidth.
   */
  carry(body: AsyncIterable<Uint8Array>, pace: Pace): AsyncIterable<Uint8Array>;
  end(): void;
}

export interface Pace {
  bandwidth: Bandwidth | null;
  watch: SpeedWatch | null;
  deadline: ReadDeadline;
}

/** Larger pieces would make readers that share a small bandwidth wait long for each other. */
const MAX_PIECE_BYTES = 65_536;

/** Waits for a place. Throws the reason of the signal when that aborts. */
export async function takeHostTurn(
  limits: HostLimits,
  firstHost: string,
  isLong: boolean,
  outer: AbortSignal | undefined,
): Promise<HostTurn> {
  let host = firstHost;
  let permit: HostPermit = await limits.acquire(host, outer, isLong);
  return {
    async moveTo(next, signal): Promise<void> {
      if (next !== host) {
        permit.release();
        permit = await limits.acquire(next, signal, isLong);
        host = next;
      }
    },
    failed(error): void {
      if (error instanceof AppError && error.code === "media_rate_limited") {
        permit.refused(error.retryAfterMs);
      }
    },
    park: () => permit.parked(),
    async *carry(body, { bandwidth, watch, deadline }) {
      permit.reading();
      try {
        watch?.resume();
        for await (const chunk of body) {
          watch?.pause(chunk.length);
          for (let start = 0; start < chunk.length; start += MAX_PIECE_BYTES) {
            const piece = chunk.subarray(start, start + MAX_PIECE_BYTES);
            if (bandwidth !== null) {
              deadline.pause();
              await bandwidth.take(piece.length, deadline.signal);
              deadline.resume();
            }
            permit.parked();
            yield piece;
            permit.reading();
          }
          watch?.resume();
        }
      } finally {
        watch?.pause(0);
      }
    },
    end: () => permit.release(),
  };
}
