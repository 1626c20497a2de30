import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { addressNetwork } from "@reelgate/shared/address-network";
import { QUEUE_PREFIX } from "@reelgate/shared/contract/jobs";
import { withinMs } from "@reelgate/shared/lifecycle";
import type { RedisClient } from "@reelgate/shared/redis";
import type { AddressLimiter } from "../ingest/ports.ts";

export interface AddressLimiterOptions {
  client: RedisClient;
  /** Requests of one address in each window, over all replicas. */
  requests: number;
  windowS: number;
  /** Whether Redis may be asked at this moment. */
  isRedisAway: () => boolean;
}

/** Every answer leaves within 2.5 s, of which the queue may take 2.2. */
const REDIS_DEADLINE_MS = 200;

/** Addresses share counters beyond it: what a flood from many addresses can take is bounded. */
const LOCAL_COUNTERS = 65_536;

/**
 * Counts requests by address in Redis, so that replicas share one limit.
 *
 * - An address that is beyond its limit is remembered here until its window ends: a flood from it costs Redis nothing.
 * - While Redis is away or slow, this process counts by itself, with the same limit for itself: an outage neither refuses
 *   everybody nor lets a flood in.
 */
export function addressLimiter(options: AddressLimiterOptions): AddressLimiter {
  const { client, requests, windowS, isRedisAway } = options;
  const shared = new RateLimiterRedis({
    storeClient: client,
    keyPrefix: `${QUEUE_PREFIX}:requests-of`,
    points: requests,
    duration: windowS,
    inMemoryBlockOnConsumed: requests + 1,
    rejectIfRedisNotReady: true,
  });
  const local = new RateLimiterMemory({ points: requests, duration: windowS });

  const waitLocally = (network: string): Promise<number> =>
    waitOf(local.consume(counterOf(network)));
  return {
    async waitMs(address) {
      const network = addressNetwork(address);
      if (isRedisAway()) return await waitLocally(network);
      const waiting = waitOf(shared.consume(network));
      try {
        if (await withinMs(waiting, REDIS_DEADLINE_MS)) return await waiting;
      } catch {
        return await waitLocally(network);
      }
      // The reply that comes too late, or never, is nobody's.
      waiting.catch(() => {});
      return await waitLocally(network);
    },
  };
}

/** The library resolves for who may go on, rejects with a result for who may not, and with an error when it cannot count. */
async function waitOf(consumed: Promise<unknown>): Promise<number> {
  try {
    await consumed;
    return 0;
  } catch (reason) {
    // Of an address that is remembered here it tells the time alone, and no count.
    if (reason instanceof RateLimiterRes) return Math.max(reason.msBeforeNext, 1);
    throw reason;
  }
}

/** FNV-1a: quick, and spread well enough for buckets. */
function counterOf(network: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < network.length; at += 1) {
    hash = Math.imul(hash ^ network.charCodeAt(at), 0x01000193);
  }
  return (hash >>> 0) % LOCAL_COUNTERS;
}
