import { join } from "node:path";
import { createDatabase } from "@reelgate/catalogue/admin";
import { migrateToLatest } from "@reelgate/catalogue/migrate";
import { openLogFile } from "@reelgate/launcher/log-file";
import { startPostgresServer } from "@reelgate/launcher/servers/postgres-server";
import type { PostgresServer } from "@reelgate/launcher/servers/postgres-server";
import { lastingPort } from "@reelgate/launcher/servers/tcp-port";
import type { HalfOpenProxy } from "@reelgate/testkit/half-open-proxy";
import { restartable } from "@reelgate/testkit/restartable";
import type { Restartable } from "@reelgate/testkit/restartable";
import { startAppProxies } from "./app-proxies.ts";
import type { Place } from "./place.ts";
import { done, seen } from "./faults/injected.ts";
import type { Injectors } from "./faults/injected.ts";
import { linkFaults } from "./faults/link-faults.ts";
import { signalTree } from "./faults/process-tree.ts";
import { probePostgres } from "./probes.ts";

const DATABASE = "reelgate";
const PASSWORD = "chaos";
const SILENCE_MS = 400;

/** The Postgres of a run, with a proxy between it and each worker. */
export interface PostgresSide extends AsyncDisposable {
  /** Past all proxies. */
  readonly url: string;
  urlFor(app: string): string;
  readonly injectors: Injectors;
}

export async function startPostgresSide(
  place: Place,
  apps: readonly string[],
): Promise<PostgresSide> {
  await using opened = new AsyncDisposableStack();
  const log = opened.use(openLogFile(join(place.logDir, "postgres.log")));
  const port = await lastingPort();
  const start = (): Promise<PostgresServer> =>
    startPostgresServer({
      dataDir: join(place.dataDir, "postgres"),
      password: PASSWORD,
      env: place.env,
      onLine: (line) => log.write(line),
      port,
    });
  const first = await start();
  const server = opened.use(
    restartable({
      name: "Postgres",
      first,
      startAgain: start,
      removeData: async () => {},
    }),
  );
  await createDatabase(first.adminUrl, DATABASE);
  const url = first.databaseUrl(DATABASE);
  await migrateToLatest(url);
  const proxies = await startAppProxies(opened, apps, port);
  const owned = opened.move();
  return {
    url,
    urlFor: (app) => proxies.get(app)?.through(url) ?? url,
    injectors: { ...serverFaults(server, port, place), ...faultsBetween(proxies) },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function serverFaults(server: Restartable, port: number, { send }: Place): Injectors {
  return {
    "postgres-kill": async () => {
      await server.kill("SIGKILL");
      return done(
        { took: server.pid === 0, detail: "the server is gone" },
        async () => await server.restart(),
      );
    },
    "postgres-stop": async () => {
      const { pid } = server;
      const count = await signalTree(pid, "SIGSTOP", send);
      return {
        effect: (withinMs) =>
          seen(
            `${count} processes stand still, no answer`,
            withinMs,
            async () => (await probePostgres(port, SILENCE_MS)) === "silent",
          ),
        heal: async () => {
          await signalTree(pid, "SIGCONT", send);
        },
      };
    },
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
        const answer = await probePostgres(proxy.port, timeoutMs);
        return answer === "answered" ? performance.now() - askedAtMs : null;
      },
    };
  });
  return {
    "postgres-half-open": faults.halfOpen,
    "postgres-blackhole": faults.blackhole,
    "postgres-reset": faults.reset,
    "postgres-slow": faults.slow,
  };
}
