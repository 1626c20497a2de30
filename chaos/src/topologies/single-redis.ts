import { join } from "node:path";
import { openLogFile } from "@reelgate/launcher/log-file";
import { pingRedis } from "@reelgate/launcher/servers/redis-ping";
import { startRedisServer } from "@reelgate/launcher/servers/redis-server";
import type { RedisServer } from "@reelgate/launcher/servers/redis-server";
import { lastingPort } from "@reelgate/launcher/servers/tcp-port";
import type { HalfOpenProxy } from "@reelgate/testkit/half-open-proxy";
import { restartable } from "@reelgate/testkit/restartable";
import { startAppProxies } from "../app-proxies.ts";
import { done, seen } from "../faults/injected.ts";
import type { Injectors } from "../faults/injected.ts";
import { linkFaults } from "../faults/link-faults.ts";
import type { Place } from "../place.ts";
import { memoryFault } from "../redis-side.ts";
import type { RedisSide } from "../redis-side.ts";

const PASSWORD = "chaos";
const SILENCE_MS = 400;

/** One Redis, durable as the product wants it, with a proxy between it and each app. */
export async function startSingleRedis(place: Place, apps: readonly string[]): Promise<RedisSide> {
  await using opened = new AsyncDisposableStack();
  const log = opened.use(openLogFile(join(place.logDir, "redis.log")));
  const port = await lastingPort();
  const start = (): Promise<RedisServer> =>
    startRedisServer({
      dataDir: join(place.dataDir, "redis"),
      password: PASSWORD,
      env: place.env,
      onLine: (line) => log.write(line),
      port,
    });
  const first = await start();
  const { url } = first;
  const server = opened.use(
    restartable({
      name: "Redis",
      first,
      startAgain: start,
      removeData: async () => {},
    }),
  );
  const proxies = await startAppProxies(opened, apps, port);
  const serverFaults: Injectors = {
    "redis-kill": async () => {
      await server.kill("SIGKILL");
      return done(
        { took: server.pid === 0, detail: "the server is gone" },
        async () => await server.restart(),
      );
    },
    "redis-stop": async () => {
      await server.kill("SIGSTOP");
      return {
        effect: (withinMs) =>
          seen(
            "no answer to PING",
            withinMs,
            async () => !(await pingRedis(port, PASSWORD, SILENCE_MS)).ready,
          ),
        heal: () => server.kill("SIGCONT"),
      };
    },
    "redis-oom": memoryFault(() => Promise.resolve([url])),
  };
  const owned = opened.move();
  return {
    url,
    urlFor: (app) => proxies.get(app)?.through(url) ?? url,
    proxyOf: (app) => proxies.get(app) ?? null,
    appEnv: {},
    injectors: { ...serverFaults, ...faultsBetween(proxies) },
    limits: [],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function faultsBetween(proxies: ReadonlyMap<string, HalfOpenProxy>): Injectors {
  const faults = linkFaults(({ target }) => {
    const proxy = proxies.get(target.split(">")[0] ?? "");
    if (proxy === undefined) throw new Error(`nothing stands in ${target}`);
    return {
      proxy,
      ask: async (timeoutMs) => {
        const askedAtMs = performance.now();
        const { ready } = await pingRedis(proxy.port, PASSWORD, timeoutMs);
        return ready ? performance.now() - askedAtMs : null;
      },
    };
  });
  return {
    "redis-half-open": faults.halfOpen,
    "redis-blackhole": faults.blackhole,
    "redis-reset": faults.reset,
    "redis-slow": faults.slow,
  };
}
