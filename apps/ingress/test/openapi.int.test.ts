import { expect, describe, test, beforeAll, afterAll } from "vitest";
import type { Router } from "express";
import { openApiChecker } from "@reelgate/testkit/openapi-checker";
import type { OpenApiChecker } from "@reelgate/testkit/openapi-checker";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import type { TestRedis } from "@reelgate/testkit/redis-server";
import { createApp } from "../src/app.ts";
import type { AppOptions } from "../src/app.ts";
import { REFUSALS, answerTo } from "../src/ingest/outcome.ts";
import { callbackBody, startTestIngress } from "./ingress-fixture.ts";
import type { TestIngress } from "./ingress-fixture.ts";

const RECEIVE = "POST /callbacks/css";
const TOKEN = "secret-path-token";
const WITH_TOKEN = "POST /callbacks/css/{token}";

const stack = new AsyncDisposableStack();
let redis: TestRedis;
let ingress: TestIngress;
let guarded: TestIngress;
let checker: OpenApiChecker;
let guardedChecker: OpenApiChecker;

beforeAll(async () => {
  redis = stack.use(await startTestRedis());
  ingress = stack.use(await startTestIngress(redis.url, { maxBodyBytes: 2000 }));
  guarded = stack.use(await startTestIngress(redis.url, { callbackPathToken: TOKEN }));
  await ingress.untilReady();
  await guarded.untilReady();
  checker = await openApiChecker(await ingress.description());
  guardedChecker = await openApiChecker(await guarded.description());
});
afterAll(async () => await stack.disposeAsync());

async function hold(by: OpenApiChecker, operation: string, response: Response): Promise<number> {
  const { status, headers } = response;
  const problems = by.problems(operation, { status, headers, text: await response.text() });
  expect({ operation, status, problems }).toEqual({ operation, status, problems: [] });
  return status;
}

const send = async (body: string, url = ingress.callbackUrl): Promise<Response> =>
  await fetch(url, { method: "POST", body });

describe("the description of the ingress", () => {
  test("has every route of the public port, and no secret of it", async () => {
    expect(checker.operations).toEqual([RECEIVE, "GET /healthz", "GET /readyz"]);
    expect(guardedChecker.operations).toEqual([WITH_TOKEN, "GET /healthz", "GET /readyz"]);
    expect(JSON.stringify(await guarded.description())).not.toContain(TOKEN);
    const { express: app } = createApp({ pathToken: null, trustProxyHops: 0 } as AppOptions);
    expect(pathsOf(app.router as Router & { stack: Layer[] })).toEqual([
      "/callbacks/css",
      "/healthz",
      "/readyz",
    ]);
    expect(checker.exampleProblems()).toEqual([]);
  });

  test("describes the answers that are sent", async () => {
    expect(await hold(checker, RECEIVE, await send(callbackBody()))).toBe(200);
    expect(await hold(checker, RECEIVE, await send("{"))).toBe(400);
    expect(await hold(checker, RECEIVE, await send("[]"))).toBe(400);
    expect(await hold(checker, RECEIVE, await send("{}"))).toBe(400);
    expect(await hold(checker, RECEIVE, await send(callbackBody({}, 1)))).toBe(401);
    const foreign = callbackBody().replace(/"sign":"[0-9a-f]{8}/u, '"sign":"00000000');
    expect(await hold(checker, RECEIVE, await send(foreign))).toBe(401);
    expect(await hold(checker, RECEIVE, await send("x".repeat(3000)))).toBe(413);
    for (const path of ["healthz", "readyz"]) {
      const response = await fetch(`${ingress.url}/${path}`);
      expect(await hold(checker, `GET /${path}`, response)).toBe(200);
    }
    const guess = `${guarded.callbackUrl}/another-token`;
    expect(await hold(guardedChecker, WITH_TOKEN, await send(callbackBody(), guess))).toBe(404);
    const right = `${guarded.callbackUrl}/${TOKEN}`;
    expect(await hold(guardedChecker, WITH_TOKEN, await send(callbackBody(), right))).toBe(200);
  });

  test("describes the whole table of answers, also those of a defect", () => {
    for (const kind of ["accepted" as const, ...REFUSALS]) {
      if (kind === "method_not_allowed") continue;
      const { status, body, retryAfterS } = answerTo(kind);
      const headers = new Headers({ "content-type": "application/json" });
      if (retryAfterS !== null) headers.set("retry-after", String(retryAfterS));
      expect(guardedChecker.problems(WITH_TOKEN, { status, headers, text: body })).toEqual([]);
    }
  });

  test("describes who is not ready or has too much to do", async () => {
    await using busy = await startTestIngress(redis.url, { maxInFlight: 0 });
    await busy.untilReady();
    expect(await hold(checker, RECEIVE, await send(callbackBody(), busy.callbackUrl))).toBe(503);
    await redis.kill("SIGKILL");
    expect(await hold(checker, RECEIVE, await send(callbackBody()))).toBe(503);
    const ready = await fetch(`${ingress.url}/readyz`);
    expect(await hold(checker, "GET /readyz", ready)).toBe(503);
    await redis.restart();
  });
});

interface Layer {
  route?: { path: string };
  handle: { stack?: Layer[] };
}

function pathsOf({ stack: layers }: { stack: Layer[] }): string[] {
  return layers.flatMap(({ route, handle }) =>
    route === undefined ? pathsOf({ stack: handle.stack ?? [] }) : [route.path],
  );
}
