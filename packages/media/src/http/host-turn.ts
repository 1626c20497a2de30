import { AppError } from "@reelgate/shared/errors";
import type { Bandwidth } from "./bandwidth.ts";
import type { HostLimits, HostPermit } from "./host-limits.ts";

/** The place that one read has at a host, from its request to the end of its body. Redirects move it. */
export interface HostTurn {
  /** Gives the place up for one at another host. Does nothing when that is the host already. */
  moveTo(host: string, signal: AbortSignal): Promise<void>;
  /** Tells the host's limit about a refusal. */
  failed(error: unknown): void;
  /** The headers stand; until somebody reads the body, the place counts as idle. */
  park(): void;
  /** The body, at the pace of the bandwidth. The place counts as idle while nobody asks for the next piece. */
  carry(
    body: AsyncIterable<Uint8Array>,
    bandwidth: Bandwidth | null,
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
  end(): void;
}

/** Waits for a place. Throws the reason of the signal when that aborts. */
export async function takeHostTurn(
  limits: HostLimits,
  firstHost: string,
  outer: AbortSignal | undefined,
): Promise<HostTurn> {
  let host = firstHost;
  let permit: HostPermit = await limits.acquire(host, outer);
  return {
    async moveTo(next, signal): Promise<void> {
      if (next !== host) {
        permit.release();
        permit = await limits.acquire(next, signal);
        host = next;
      }
    },
    failed(error): void {
      if (error instanceof AppError && error.code === "media_rate_limited") {
        permit.refused(error.retryAfterMs);
      }
    },
    park: () => permit.parked(),
    async *carry(body, bandwidth, signal) {
      permit.reading();
      for await (const piece of body) {
        await bandwidth?.take(piece.length, signal);
        permit.parked();
        yield piece;
        permit.reading();
      }
    },
    end: () => permit.release(),
  };
}
