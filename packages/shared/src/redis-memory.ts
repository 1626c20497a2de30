import { mastersOf } from "./redis.ts";
import type { Redis, RedisClient } from "./redis.ts";

export interface RedisMemory {
  usedBytes: number;
  /** Beyond it Redis refuses writes; 0 for no bound but the machine's. */
  maxBytes: number;
}

/**
 * What Redis says about its memory; of a cluster, the master that is the fullest: it refuses writes first.
 *
 * @throws when one does not answer, or does not say.
 */
export async function readRedisMemory(client: RedisClient): Promise<RedisMemory> {
  const [first, ...others] = await Promise.all(mastersOf(client).map(memoryOf));
  if (first === undefined) throw new Error("There is no server to ask.");
  const fullness = ({ usedBytes, maxBytes }: RedisMemory): number =>
    maxBytes === 0 ? 0 : usedBytes / maxBytes;
  return others.reduce((most, one) => {
    const isFuller = fullness(one) > fullness(most);
    const isAsFull = fullness(one) === fullness(most);
    return isFuller || (isAsFull && one.usedBytes > most.usedBytes) ? one : most;
  }, first);
}

async function memoryOf(server: Redis): Promise<RedisMemory> {
  const info = await server.info("memory");
  const field = (name: string): number => {
    const found = new RegExp(`^${name}:(\\d+)\\r?$`, "mu").exec(info)?.[1];
    if (found === undefined) throw new Error(`INFO memory has no ${name}`);
    return Number(found);
  };
  return { usedBytes: field("used_memory"), maxBytes: field("maxmemory") };
}
