import { closeDatabase, openDatabase } from "@reelgate/catalogue/database";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import type { TestRedis } from "@reelgate/testkit/redis-server";
import { spawnApp } from "@reelgate/testkit/spawn-app";
import type { SpawnedApp } from "@reelgate/testkit/spawn-app";

/** The callback key of every product, unless a test sets CALLBACK_KEYS itself. */
export const KEY = "e2eKey-7f41c0";

type Env = Readonly<Record<string, string>>;

export interface Ingress extends SpawnedApp {
  readonly port: number;
  readonly url: string;
  readonly callbackUrl: string;
}

export interface Dashboard extends SpawnedApp {
  readonly url: string;
  readonly password: string;
  /** A request with the right password. */
  fetch(path: string, init?: { method?: string }): Promise<Response>;
}

/** The built apps as processes, on a Redis and a database of this product's own. */
export interface Product extends AsyncDisposable {
  readonly redis: TestRedis;
  readonly databaseUrl: string;
  /** The catalogue, past the apps. */
  readonly db: CatalogueDatabase;
  startIngress(env?: Env): Promise<Ingress>;
  /** May fetch from nowhere, unless MEDIA_ALLOWED_HOSTS says otherwise. */
  startWorker(env?: Env): Promise<SpawnedApp>;
  startDashboard(env?: Env): Promise<Dashboard>;
}

export interface ProductOptions {
  /** A database with the schema; one of the shared Postgres otherwise. */
  databaseUrl?: string;
}

/** No such address is ever routed (RFC 5737): the guard refuses every URL before anything is sent. */
const NOWHERE = "192.0.2.255";

const DASHBOARD_PASSWORD = "e2e password";

/** Starts the servers; the apps are started by the test. All of it ends with the product. */
export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startTestRedis());
  const databaseUrl = options.databaseUrl ?? opened.use(await createTestDatabase()).url;
  const db = opened.adopt(
    openDatabase({
      url: databaseUrl,
      poolSize: 2,
      statementTimeoutMs: 30_000,
      applicationName: "e2e",
      onError: () => {},
    }),
    closeDatabase,
  );
  const servers = { REDIS_URL: redis.url, DATABASE_URL: databaseUrl };
  const resources = opened.move();
  return {
    redis,
    databaseUrl,
    db,
    async startIngress(env = {}) {
      const app = resources.use(
        await spawnApp("ingress", {
          env: {
            REDIS_URL: redis.url,
            CALLBACK_KEYS: KEY,
            HOST: "127.0.0.1",
            PORT: "0",
            ...env,
          },
        }),
      );
      const port = await portOf(app, "ingress listening");
      const url = `http://127.0.0.1:${port}`;
      return Object.assign(app, { port, url, callbackUrl: `${url}/callbacks/css` });
    },
    async startWorker(env = {}) {
      return resources.use(
        await spawnApp("worker", { env: { ...servers, MEDIA_ALLOWED_HOSTS: NOWHERE, ...env } }),
      );
    },
    async startDashboard(env = {}) {
      const app = resources.use(
        await spawnApp("dashboard", {
          env: { ...servers, DASHBOARD_PORT: "0", DASHBOARD_PASSWORD, ...env },
        }),
      );
      const url = `http://127.0.0.1:${await portOf(app, "listening")}`;
      const password = env.DASHBOARD_PASSWORD ?? DASHBOARD_PASSWORD;
      const authorization = `Basic ${Buffer.from(`admin:${password}`).toString("base64")}`;
      return Object.assign(app, {
        url,
        password,
        fetch: (path: string, init: { method?: string } = {}) =>
          fetch(`${url}${path}`, { ...init, headers: { authorization } }),
      });
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** The port that an app with a port of 0 has picked, as its log says. */
async function portOf(app: SpawnedApp, message: string): Promise<number> {
  const line = await app.log.waitFor(({ msg }) => msg === message);
  return Number(line.port);
}
