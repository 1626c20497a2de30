import { join } from "node:path";
import { lastingPort } from "@reelgate/launcher/servers/tcp-port";
import { startAppProcess } from "./app-process.ts";
import type { AppProcess } from "./app-process.ts";
import type { Place } from "./place.ts";
import { startPostgresSide } from "./postgres-side.ts";
import type { PostgresSide } from "./postgres-side.ts";
import type { RedisSide } from "./redis-side.ts";
import { openSpoolDisk } from "./spool-disk.ts";
import type { SpoolDisk } from "./spool-disk.ts";

export const CALLBACK_KEY = "chaosKey-41c07f";
const DASHBOARD_PASSWORD = "chaos password";

const INGRESSES = ["ingress-1", "ingress-2"] as const;
const WORKERS = ["worker-1", "worker-2"] as const;

/** A missing file is waited for no longer than this, so that a run ends soon after its load. */
const NOT_FOUND_GRACE_MS = "5000";

export interface ProductOptions {
  place: Place;
  startRedis: (place: Place, apps: readonly string[]) => Promise<RedisSide>;
  /** `host:port` from which recordings may be fetched. */
  originHost: string;
  /** Told what is being done, and of every start of a process again. */
  note: (line: string) => void;
}

/** The built product as processes: two ingresses with spools, two workers that make copies, and a dashboard. */
export interface Product extends AsyncDisposable {
  readonly redis: RedisSide;
  readonly postgres: PostgresSide;
  readonly apps: ReadonlyMap<string, AppProcess>;
  readonly spools: ReadonlyMap<string, SpoolDisk>;
  readonly callbackUrls: ReadonlyMap<string, string>;
  readonly dashboard: { url: string; user: string; password: string };
}

export async function startProduct(options: ProductOptions): Promise<Product> {
  const { place, note } = options;
  await using opened = new AsyncDisposableStack();
  const appNames = [...INGRESSES, ...WORKERS];
  const [redis, postgres] = await Promise.all([
    options.startRedis(place, appNames).then((side) => opened.use(side)),
    startPostgresSide(place, WORKERS).then((side) => opened.use(side)),
  ]);
  const common = { ...redis.appEnv, SHUTDOWN_GRACE_MS: "10000" };
  const spools = new Map<string, SpoolDisk>();
  const callbackUrls = new Map<string, string>();
  const starting: Promise<AppProcess>[] = [];
  const start = (
    app: "ingress" | "worker" | "dashboard",
    name: string,
    env: Readonly<Record<string, string>>,
  ): void => {
    const started = startAppProcess({
      app,
      name,
      logDir: place.logDir,
      note,
      env: { ...common, ...env },
    });
    starting.push(started.then((process) => opened.use(process)));
  };
  for (const name of INGRESSES) {
    const spool = opened.use(await openSpoolDisk(join(place.dataDir, `spool-${name}`)));
    spools.set(name, spool);
    const port = await lastingPort();
    callbackUrls.set(name, `http://127.0.0.1:${port}/callbacks/css`);
    start("ingress", name, {
      REDIS_URL: redis.urlFor(name),
      CALLBACK_KEYS: CALLBACK_KEY,
      HOST: "127.0.0.1",
      PORT: String(port),
      SPOOL_DIR: spool.dir,
    });
  }
  for (const name of WORKERS) {
    start("worker", name, {
      REDIS_URL: redis.urlFor(name),
      DATABASE_URL: postgres.urlFor(name),
      MEDIA_MODE: "download",
      STORAGE_URL: `file://${place.storageDir}`,
      MEDIA_ALLOWED_HOSTS: options.originHost,
      MEDIA_NOT_FOUND_GRACE_MS: NOT_FOUND_GRACE_MS,
    });
  }
  const dashboardPort = await lastingPort();
  start("dashboard", "dashboard", {
    REDIS_URL: redis.url,
    DATABASE_URL: postgres.url,
    DASHBOARD_HOST: "127.0.0.1",
    DASHBOARD_PORT: String(dashboardPort),
    DASHBOARD_PASSWORD,
    STORAGE_URL: `file://${place.storageDir}`,
  });
  // Those that came up must be known here before the failure of another ends them all.
  await Promise.allSettled(starting);
  const apps = new Map((await Promise.all(starting)).map((app) => [app.name, app]));
  const owned = opened.move();
  return {
    redis,
    postgres,
    apps,
    spools,
    callbackUrls,
    dashboard: {
      url: `http://127.0.0.1:${dashboardPort}`,
      user: "admin",
      password: DASHBOARD_PASSWORD,
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
