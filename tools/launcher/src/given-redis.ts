import { once } from "node:events";
import { AppError, errorMessage } from "@reelgate/shared/errors";
import type { RedisTarget } from "@reelgate/shared/redis-url";
import { checkRedisDurability, createRedis } from "@reelgate/shared/redis";

const CONNECT_DEADLINE_MS = 5000;

/**
 * Checks the Redis that the user gave: that it answers, and that what it acknowledges is on its disk (guarantee G1).
 *
 * @returns a warning, when `durability` is "warn" and there is something to warn of
 * @throws AppError `setup_failed` with the commands that mend it.
 */
export async function checkGivenRedis(
  target: RedisTarget,
  durability: "require" | "warn",
): Promise<string | null> {
  let lastError = "no answer";
  const client = createRedis({
    target,
    role: "producer",
    name: "reelgate-launcher",
    onError: (error) => {
      lastError = errorMessage(error);
    },
  });
  try {
    try {
      await once(client, "ready", { signal: AbortSignal.timeout(CONNECT_DEADLINE_MS) });
    } catch {
      throw new AppError("setup_failed", {
        message: `The Redis of REDIS_URL does not answer (${lastError}). Start it, correct REDIS_URL, or unset it to use an embedded one.`,
      });
    }
    const result = await checkRedisDurability(client);
    if (result.durable) return null;
    const message = `The Redis of REDIS_URL may lose callbacks that were answered 200: ${result.reason}. Mend it with: redis-cli CONFIG SET appendonly yes; CONFIG SET appendfsync always; CONFIG SET maxmemory-policy noeviction; CONFIG REWRITE (without the last, or the same lines in redis.conf, its next restart forgets them)`;
    if (durability === "warn") return message;
    throw new AppError("setup_failed", {
      message: `${message} (or accept it with REDIS_DURABILITY=warn).`,
    });
  } finally {
    client.disconnect();
  }
}
