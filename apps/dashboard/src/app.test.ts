import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeServer, listen } from "@reelgate/shared/http-listen";
import { createLogger } from "@reelgate/shared/logger";
import { createRegistry } from "@reelgate/shared/telemetry";
import { createLogSink } from "@reelgate/testkit/log-sink";
import { createDashboardApp } from "./app.ts";
import { createGuessThrottle } from "./guess-throttle.ts";

const stack = new AsyncDisposableStack();
const log = createLogSink();
let url: string;

const broken = (): Promise<never> => Promise.reject(new Error("relation secret_table is broken"));

beforeAll(async () => {
  const app = createDashboardApp({
    catalogue: {
      listRecordings: broken,
      getRecording: broken,
      getPlayable: broken,
      requestRetry: (id) =>
        Promise.resolve({ kind: "accepted", job: { recordingId: id, generation: 1 } }),
      requestRetries: broken,
      overview: broken,
      listCallbacks: broken,
      getCallback: broken,
      count: () =>
        Promise.resolve({
          callbacks: {
            total: 0,
            byOutcome: { recorded: 0, duplicate: 0, conflict: 0, invalid: 0, unsupported: 0 },
          },
          recordings: {
            total: 0,
            byState: { pending: 0, indexed: 0, stored: 0, failed: 0 },
            withFindings: 0,
          },
        }),
    },
    // A Redis that neither answers nor fails.
    queueCounter: { count: () => new Promise(() => {}) },
    queueReader: { read: () => new Promise(() => {}) },
    mediaQueue: { enqueue: broken, enqueueAll: broken },
    about: { version: "0.0.0", playsStoredCopies: false, playsProviderUrls: false },
    serveCopy: broken,
    providerHosts: null,
    pagesFolder: "/no-pages",
    board: (_request, response) => {
      response.write("half an answer");
      throw new Error("the board broke");
    },
    credentials: { user: "admin", password: "correct horse" },
    trustProxyHops: 0,
    throttle: createGuessThrottle({ nowMs: Date.now, burst: 10, refillMs: 1000, maxAddresses: 10 }),
    registry: createRegistry("test"),
    logger: createLogger({ app: "test", level: "debug", destination: log.stream }),
  });
  const server = createServer(app);
  const port = await listen(server, { host: "127.0.0.1", port: 0, portVariable: "PORT" });
  stack.defer(() => closeServer(server));
  url = `http://127.0.0.1:${port}`;
});
afterAll(async () => await stack.disposeAsync());

const ask = async (path: string, method = "GET"): Promise<Response> =>
  await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from("admin:correct horse").toString("base64")}` },
  });

describe("what goes wrong inside", () => {
  test("is a 500 that says nothing about it; the log does", async () => {
    const response = await ask("/api/recordings");
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({
      code: 500,
      error: "internal",
      message: "Something failed that should not fail.",
    });
    expect(log.withMessage("a request failed")).toContainEqual(
      expect.objectContaining({
        route: "/api/recordings",
        err: expect.objectContaining({ message: "relation secret_table is broken" }) as unknown,
      }),
    );
  });

  test("after half an answer cuts the connection, so that nobody takes it for whole", async () => {
    await expect(ask("/queues").then((response) => response.text())).rejects.toThrow("terminated");
    expect((await ask("/")).status).toBe(200);
  });
});

test("counts do not wait for a Redis that neither answers nor fails", async () => {
  const startedAt = performance.now();
  const response = await ask("/api/stats");
  expect(performance.now() - startedAt).toBeLessThan(3000);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ recordings: { total: 0 }, queues: {} });
});

test("a retry whose job cannot be queued is accepted: the state is what counts", async () => {
  const response = await ask("/api/recordings/7/retry", "POST");
  expect(response.status).toBe(202);
  expect(await response.json()).toEqual({ id: "7", state: "pending" });
  expect(log.withMessage("retries were not queued; the worker's sweep will")).toHaveLength(1);
});
