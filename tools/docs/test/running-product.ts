import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compose as composeDashboard } from "@reelgate/dashboard/compose";
import { readConfig as readDashboardConfig } from "@reelgate/dashboard/config";
import { startIngress } from "@reelgate/ingress/compose";
import { readIngressConfig } from "@reelgate/ingress/config";
import { signature } from "@reelgate/simulator/sign";
import { until } from "@reelgate/testkit/latch";
import { startMediaOrigin } from "@reelgate/testkit/media-origin";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { SAMPLE_BODY } from "@reelgate/testkit/recording-body";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import type { TestRedis } from "@reelgate/testkit/redis-server";
import { compose as composeWorker } from "@reelgate/worker/compose";
import { readWorkerConfig } from "@reelgate/worker/config";
import { readExposition } from "./exposition.ts";
import type { Exposition } from "./exposition.ts";

export const APPS = ["ingress", "worker", "dashboard"] as const;
export type App = (typeof APPS)[number];

/** Planted wherever the provider, an operator or an attacker puts secrets. None may ever be in a metric. */
export const SECRETS = {
  key: "5ecretKeyOfTheTemplate",
  pathToken: "5ecretPathToken",
  password: "5ecret password of the dashboard",
  pushParameter: "5ecretPushParameter",
  urlQuery: "5ecretQueryOfTheUrl",
  header: "5ecretHeader",
} as const;

/** All three apps in this process, on a Redis and a database of their own, with an origin that has the samples. */
export interface RunningProduct extends AsyncDisposable {
  redis: TestRedis;
  originUrl: string;
  /** The status of the answer to a body that is sent as it is. */
  post(body: string, path?: string, init?: RequestInit): Promise<number>;
  /** The specification's sample with changes, as text, signed. */
  callback(changes: Readonly<Record<string, unknown>>, tS?: number): string;
  /** With the right password. */
  dashboard(
    path: string,
    init?: { method?: string; headers?: Record<string, string> },
  ): Promise<{ status: number; body: unknown }>;
  /** `/metrics` as text. */
  scrape(app: App): Promise<string>;
  exposition(app: App): Promise<Exposition>;
}

export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

export async function startRunningProduct(): Promise<RunningProduct> {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await startTestRedis());
  const database = opened.use(await createTestDatabase());
  const origin = opened.use(
    await startMediaOrigin({
      root: fileURLToPath(new URL("../../../packages/simulator/media/", import.meta.url)),
    }),
  );
  const spoolDir = await mkdtemp(join(tmpdir(), "reelgate-docs-spool-"));
  opened.defer(() => rm(spoolDir, { recursive: true }));
  const common = {
    REDIS_URL: redis.url,
    DATABASE_URL: database.url,
    OPS_PORT: "0",
    LOG_LEVEL: "silent",
  };
  const ingress = opened.use(
    await startIngress(
      readIngressConfig({
        ...common,
        PORT: "0",
        HOST: "127.0.0.1",
        CALLBACK_KEYS: SECRETS.key,
        CALLBACK_PATH_TOKEN: SECRETS.pathToken,
        SPOOL_DIR: spoolDir,
      }),
    ),
  );
  const worker = opened.use(
    await composeWorker(
      new AbortController().signal,
      readWorkerConfig({ ...common, MEDIA_ALLOWED_HOSTS: "127.0.0.1" }),
    ),
  );
  const dashboard = opened.use(
    await composeDashboard(
      readDashboardConfig({ ...common, DASHBOARD_PORT: "0", DASHBOARD_PASSWORD: SECRETS.password }),
    ),
  );
  const opsPorts = {
    ingress: ingress.opsPort,
    worker: worker.opsPort,
    dashboard: dashboard.opsPort,
  };
  await until(
    async () => (await fetch(`http://127.0.0.1:${ingress.opsPort}/readyz`)).status === 200,
    { what: "the ingress being ready" },
  );
  const scrape = async (app: App): Promise<string> =>
    (await fetch(`http://127.0.0.1:${opsPorts[app]}/metrics`)).text();
  const authorization = `Basic ${Buffer.from(`admin:${SECRETS.password}`).toString("base64")}`;
  const running = opened.move();
  return {
    redis,
    originUrl: origin.url,
    async post(body, path = `/callbacks/css/${SECRETS.pathToken}`, init = {}) {
      const url = `http://127.0.0.1:${ingress.port}${path}`;
      const response = await fetch(url, { method: "POST", body, ...init });
      await response.arrayBuffer();
      return response.status;
    },
    callback: (changes, tS = inSeconds(600)) =>
      JSON.stringify({
        ...SAMPLE_BODY,
        stream_param: `txSecret=${SECRETS.pushParameter}`,
        ...changes,
        t: tS,
        sign: signature(SECRETS.key, tS),
      }),
    async dashboard(path, init = {}) {
      const response = await fetch(`http://127.0.0.1:${dashboard.port}${path}`, {
        redirect: "manual",
        ...init,
        headers: { authorization, ...init.headers },
      });
      const text = await response.text();
      return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
    },
    scrape,
    exposition: async (app) => readExposition(await scrape(app)),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
