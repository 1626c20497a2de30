import type { Topology } from "../fault-kinds.ts";
import type { Place } from "../place.ts";
import type { RedisSide } from "../redis-side.ts";
import { startClusterRedis, startSentinelRedis } from "./many-redis.ts";
import { startSingleRedis } from "./single-redis.ts";

/** How the Redis of a topology is started. */
export function redisOf(
  topology: Topology,
): (place: Place, apps: readonly string[]) => Promise<RedisSide> {
  switch (topology) {
    case "single":
      return startSingleRedis;
    case "sentinel":
      return startSentinelRedis;
    case "cluster":
      return startClusterRedis;
    default:
      return topology satisfies never;
  }
}
