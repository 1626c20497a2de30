import { createHash } from "node:crypto";
import { createLogSink } from "@reelgate/testkit/log-sink";
import type { LogSink } from "@reelgate/testkit/log-sink";
import { until } from "@reelgate/testkit/latch";
import { trackHandle } from "@reelgate/testkit/open-handles";
import { createRedis } from "@reelgate/shared/redis";
import { parseRedisUrl } from "@reelgate/shared/redis-url";
import { startIngress } from "../src/compose.ts";
import type { IngressOverrides } from "../src/compose.ts";
import type { IngressConfig } from "../src/config.ts";

const KEY = "testKey-2b9f";

/** An ingress of this test's own, in this process, on free ports of 127.0.0.1. */
export interface TestIngress extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly callbackUrl: string;
  readonly log: LogSink;
  readonly stop: () => Promise<void>;
  readonly readiness: () => Promise<{ status: number; body: unknown }>;
  readonly metrics: () => Promise<string>;
  /** The OpenAPI document of its private port. */
  readonly description: () => Promise<Record<string, unknown>>;
  /** Resolves when it can take callbacks. */
  readonly untilReady: () => Promise<unknown>;
}

export async function startTestIngress(
  redisUrl: string,
  changes: Partial<IngressConfig> = {},
  overrides: IngressOverrides = {},
): Promise<TestIngress> {
  const log = createLogSink();
  const service = await startIngress(
    {
      host: "127.0.0.1",
      port: 0,
      callbackKeys: [KEY],
      callbackGraceS: 0,
      callbackPathToken: null,
      maxBodyBytes: 65_536,
      maxInFlight: 1000,
      trustProxyHops: 0,
      redis: { target: parseRedisUrl(redisUrl), shardCount: 1 },
      redisDurability: "require",
      spoolDir: null,
      spoolMaxBytes: 1_073_741_824,
      opsHost: "127.0.0.1",
      opsPort: 0,
      tracing: { endpoint: null, headers: {}, serviceName: null, sampleRatio: 1 },
      logLevel: "debug",
      shutdownGraceMs: 10_000,
      ...changes,
    },
    { logDestination: log.stream, ...overrides },
  );
  const url = `http://127.0.0.1:${service.port}`;
  const opsUrl = `http://127.0.0.1:${service.opsPort}`;
  const stop = async (): Promise<void> => {
    untrack();
    await service[Symbol.asyncDispose]();
  };
  const untrack = trackHandle(`ingress on port ${service.port}`, stop);
  const readiness: TestIngress["readiness"] = async () => {
    const response = await fetch(`${opsUrl}/readyz`);
    return { status: response.status, body: await response.json() };
  };
  return {
    url,
    port: service.port,
    callbackUrl: `${url}/callbacks/css`,
    log,
    stop,
    readiness,
    metrics: async () => (await fetch(`${opsUrl}/metrics`)).text(),
    description: async () =>
      (await (await fetch(`${opsUrl}/openapi.json`)).json()) as Record<string, unknown>,
    untilReady: () =>
      until(async () => (await readiness()).status === 200, { what: "the ingress being ready" }),
    [Symbol.asyncDispose]: stop,
  };
}

export function sign(t: number | string, key: string = KEY): string {
  return createHash("md5").update(`${key}${t}`).digest("hex");
}

export function nowS(): number {
  return Math.floor(Date.now() / 1000);
}

/** A signed callback, unlike every other unless `fields` make it so. */
export function callbackBody(fields: object = {}, t: number | string = nowS() + 600): string {
  serial += 1;
  return JSON.stringify({ event_type: 100, file_id: `f-${serial}`, ...fields, t, sign: sign(t) });
}
let serial = 0;

export function jobIdOf(body: string | Uint8Array): string {
  return `cb-${createHash("sha256").update(body).digest("hex")}`;
}

export interface Reply {
  status: number;
  body: unknown;
  retryAfter: string | null;
  tookMs: number;
}

export async function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer> | null,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const startedAtMs = performance.now();
  const response = await fetch(url, { method: "POST", body, headers });
  const text = await response.text();
  return {
    status: response.status,
    body: JSON.parse(text),
    retryAfter: response.headers.get("retry-after"),
    tookMs: performance.now() - startedAtMs,
  };
}

/** Ids of all jobs that wait in the queue, as Redis has them. */
export async function waitingJobIds(redisUrl: string): Promise<string[]> {
  return withRedis(redisUrl, async (client) => client.lrange("reelgate:callbacks:wait", 0, -1));
}

/** One stored job, field by field, as BullMQ keeps it. */
export async function storedJob(redisUrl: string, id: string): Promise<Record<string, string>> {
  return withRedis(redisUrl, async (client) => client.hgetall(`reelgate:callbacks:${id}`));
}

export async function command(redisUrl: string, name: string, ...args: string[]): Promise<unknown> {
  return withRedis(redisUrl, async (client) => client.call(name, ...args));
}

async function withRedis<T>(
  url: string,
  use: (client: ReturnType<typeof createRedis>) => Promise<T>,
): Promise<T> {
  const client = createRedis({ url, role: "worker", name: "test", onError: () => undefined });
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}
