import { setImmediate, setTimeout } from "node:timers/promises";
import { AppError } from "@reelgate/shared/errors";
import { describeUrl } from "../http/describe-url.ts";
import {
  type FileVersion,
  ifRangeValidator,
  isSameVersion,
  versionOf,
} from "../http/file-version.ts";
import type { MediaClient } from "../http/media-client.ts";
import type { MediaResponse } from "../http/media-response.ts";

/**
 * Requests for one file within one look: all for the same version of it, on one connection, within one budget. Any
 * answer for another version ends the look: half of each would pass for a file that never was.
 */
export interface OriginReads {
  readonly fetchedBytes: number;
  /**
   * Sends a GET for the bytes from `start` to `end` (inclusive; null: to the end). The answer is a 206 that begins at
   * `start` or a 200 with the whole file, of the version that the first answer had.
   */
  open(start: number, end: number | null): Promise<MediaResponse>;
  /** The pieces of a body, each counted against the budget. */
  pieces(response: MediaResponse): AsyncGenerator<Uint8Array, void, undefined>;
}

export interface OriginReadsOptions {
  client: MediaClient;
  url: URL;
  /** The answer that the look began with. */
  first: MediaResponse;
  maxFetchedBytes: number;
  signal: AbortSignal;
}

/** Starts with the answer to the first request, whose version every later one must have. */
export function createOriginReads(options: OriginReadsOptions): OriginReads {
  const { client, url, maxFetchedBytes, signal } = options;
  const version: FileVersion = versionOf(options.first);
  const validator = ifRangeValidator(version);
  let fetchedBytes = 0;
  return {
    get fetchedBytes(): number {
      return fetchedBytes;
    },
    async open(start, end): Promise<MediaResponse> {
      // undici takes a connection back one turn after the end of a body; sooner, a request opens another one, which
      // costs a round trip or, with TLS, three.
      await setImmediate();
      const response = await client.open(url, {
        range: end === null ? { start } : { start, end },
        ...(validator === null ? {} : { ifRange: validator }),
        signal,
      });
      if (response.status === 416 || !isSameVersion(version, versionOf(response))) {
        await response.close();
        throw new AppError("media_changed", {
          message: `${describeUrl(url)} was replaced by another file while it was read.`,
        });
      }
      return response;
    },
    async *pieces(response) {
      for await (const piece of response.body) {
        fetchedBytes += piece.length;
        if (fetchedBytes > maxFetchedBytes) {
          throw new AppError("media_budget_exceeded", {
            message: `${describeUrl(url)}: more than ${maxFetchedBytes} bytes would have to be read.`,
          });
        }
        yield piece;
      }
    },
  };
}

/** Between the tries of a read whose connection broke: an origin that restarts is back by then, or it is down. */
const RETRY_DELAYS_MS = [100, 500];

/**
 * Repeats a read whose connection broke in the middle. Only that is repeated: what is slow has used its time already,
 * and what contradicts itself would do so again.
 */
export async function withBrokenConnectionsRetried<T>(
  signal: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  for (const delayMs of RETRY_DELAYS_MS) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBrokenConnection(error)) {
        throw error;
      }
      await setTimeout(delayMs, undefined, { signal });
    }
  }
  return await attempt();
}

/** The connection was refused or ended early; the same request may succeed at once. */
export function isBrokenConnection(error: unknown): boolean {
  return error instanceof AppError && error.code === "media_connection_failed";
}
