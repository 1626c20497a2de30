import type { Redis } from "./redis.ts";

export interface RedisMemory {
  usedBytes: number;
  /** Beyond it Redis refuses writes; 0 for no bound but the machine's. */
  maxBytes: number;
}

/**
 * What Redis says about its memory.
 *
 * @throws when it does not answer, or does not say.
 */
export async function readRedisMemory(client: Redis): Promise<RedisMemory> {
  const info = await client.info("memory");
  const field = (name: string): number => {
    const found = new RegExp(`^${name}:(\\d+)\\r?$`, "mu").exec(info)?.[1];
    if (found === undefined) throw new Error(`INFO memory has no ${name}`);
    return Number(found);
  };
  return { usedBytes: field("used_memory"), maxBytes: field("maxmemory") };
}
