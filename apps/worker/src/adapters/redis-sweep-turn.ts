import { QUEUE_PREFIX } from "@reelgate/shared/contract/jobs";
import type { RedisClient } from "@reelgate/shared/redis";
import type { SweepTurn } from "../ports.ts";

/**
 * A turn is a key that expires: whoever makes it has the turn, and nobody else until it is gone. A worker that dies
 * with the turn costs one interval.
 */
export function redisSweepTurn(client: RedisClient, intervalMs: number): SweepTurn {
  return {
    async take() {
      const made = await client.set(`${QUEUE_PREFIX}:sweep-turn`, "taken", "PX", intervalMs, "NX");
      return made === "OK";
    },
  };
}
