import { createRedis } from "@reelgate/shared/redis";
import type { RedisClient } from "@reelgate/shared/redis";
import { until } from "@reelgate/testkit/latch";
import { seen } from "./faults/injected.ts";
import type { Inject, Injectors } from "./faults/injected.ts";
import type { HalfOpenProxy } from "@reelgate/testkit/half-open-proxy";

/** The Redis of a run, however many nodes it has. */
export interface RedisSide extends AsyncDisposable {
  /** REDIS_URL past all proxies. */
  readonly url: string;
  urlFor(app: string): string;
  /** What stands between an app and Redis; null where nothing can. */
  proxyOf(app: string): HalfOpenProxy | null;
  /** What the apps are told beside REDIS_URL. */
  readonly appEnv: Readonly<Record<string, string>>;
  readonly injectors: Injectors;
  /** What this set-up cannot show, for the plan. */
  readonly limits: readonly string[];
}

/** One command over a connection of its own. */
async function ask(url: string, ...words: readonly [string, ...string[]]): Promise<unknown> {
  const client: RedisClient = createRedis({
    url,
    role: "producer",
    name: "chaos",
    onError: () => {},
  });
  try {
    await until(() => client.status === "ready", { timeoutMs: 5000, what: "a connection" });
    const [name, ...args] = words;
    return await client.call(name, ...args);
  } finally {
    client.disconnect();
  }
}

/** A node of a cluster takes only the keys of its slots: one of so many is surely among them. */
const PROBE_KEYS = 40;

async function refusesWrites(url: string): Promise<boolean> {
  for (let n = 0; n < PROBE_KEYS; n++) {
    try {
      await ask(url, "SET", `chaos:probe-${n}`, "1", "PX", "1000");
      return false;
    } catch (error) {
      const message = error instanceof Error ? error.message : "";
      if (/\bOOM\b/u.test(message)) return true;
      if (!message.startsWith("MOVED")) return false;
    }
  }
  return false;
}

/** Every node has less memory than it holds already: with `noeviction` it refuses writes. */
export function memoryFault(nodeUrls: () => Promise<readonly string[]>): Inject {
  const setMaximum = async (urls: readonly string[], bytes: string): Promise<void> => {
    await Promise.all(urls.map((url) => ask(url, "CONFIG", "SET", "maxmemory", bytes)));
  };
  return async () => {
    const urls = await nodeUrls();
    await setMaximum(urls, "1");
    const [url = ""] = urls;
    return {
      effect: (withinMs) =>
        seen("a write was answered OOM", withinMs, async () => await refusesWrites(url)),
      heal: () => setMaximum(urls, "0"),
    };
  };
}
