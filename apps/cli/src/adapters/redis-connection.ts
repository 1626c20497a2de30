import { setTimeout as delay } from "node:timers/promises";
import { AppError, errorMessage } from "@reelgate/shared/errors";
import { createRedis } from "@reelgate/shared/redis";
import type { RedisClient } from "@reelgate/shared/redis";
import type { RedisTarget } from "@reelgate/shared/redis-url";

/** A person waits: longer than a restart of the connection takes, shorter than patience. */
const CONNECT_TIMEOUT_MS = 5000;
const POLL_MS = 20;

/**
 * Connects, and says what keeps it from doing so.
 *
 * @throws AppError `redis_unavailable`, and the signal's reason when it aborts first.
 */
export async function connectRedis(target: RedisTarget, signal: AbortSignal): Promise<RedisClient> {
  let trouble: Error | null = null;
  const client = createRedis({
    target,
    role: "producer",
    name: "reelgate-cli",
    onError: (error) => {
      trouble = error;
    },
  });
  const deadlineMs = performance.now() + CONNECT_TIMEOUT_MS;
  try {
    while (client.status !== "ready") {
      signal.throwIfAborted();
      if (performance.now() > deadlineMs) throw unavailable(trouble ?? new Error("no answer"));
      await delay(POLL_MS, undefined, { signal });
    }
    return client;
  } catch (error) {
    client.disconnect();
    throw error;
  }
}

/** @throws AppError `redis_unavailable` for whatever the client or BullMQ throws. */
export async function reached<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof AppError ? error : unavailable(error);
  }
}

function unavailable(cause: unknown): AppError {
  return new AppError("redis_unavailable", {
    message: `Redis cannot be reached or does not answer: ${errorMessage(cause)}.`,
    cause,
  });
}
