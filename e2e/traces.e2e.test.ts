import { join } from "node:path";
import { until } from "@reelgate/testkit/latch";
import { startMediaOrigin } from "@reelgate/testkit/media-origin";
import { CHECKOUT } from "@reelgate/testkit/spawn-app";
import { expect, test } from "vitest";
import { untilSettled, untilVerified } from "@reelgate/testkit/catalogue-audit";
import { post, recordingNamed, signed } from "./support/callbacks.ts";
import { startOtlpReceiver } from "./support/otlp-receiver.ts";
import type { CollectedSpan } from "./support/otlp-receiver.ts";
import { KEY, startProduct } from "./support/product.ts";

const HEADER_SECRET = "s3cr3tCollectorToken";
const SECRETS = {
  key: KEY,
  token: "s3cr3t_path_token",
  query: "s3cr3tUrlQuery",
  push: "s3cr3tPushSecret",
};

/** A `traceparent` as a stranger would send it, to be found in somebody's traces. */
const STRANGERS_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

test("one trace leads from the POST to the verdict, and holds no secret", async () => {
  await using product = await startProduct();
  await using collector = await startOtlpReceiver();
  await using origin = await startMediaOrigin({
    root: join(CHECKOUT, "packages/simulator/media"),
  });
  const tracing = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${HEADER_SECRET}`,
  };
  const worker = await product.startWorker({
    ...tracing,
    MEDIA_ALLOWED_HOSTS: `127.0.0.1:${origin.port}`,
    LOG_LEVEL: "trace",
  });
  const ingress = await product.startIngress({
    ...tracing,
    CALLBACK_PATH_TOKEN: SECRETS.token,
    LOG_LEVEL: "trace",
  });
  const dashboard = await product.startDashboard(tracing);
  const url = `${ingress.callbackUrl}/${SECRETS.token}?q=${SECRETS.query}`;
  const sound = signed(
    recordingNamed("sound", {
      file_format: "mp4",
      stream_param: `txSecret=${SECRETS.push}`,
      video_url: `${origin.url}/sample.mp4?sign=${SECRETS.query}`,
    }),
  );
  const lost = signed(
    recordingNamed("lost", { video_url: `http://192.0.2.1/lost.mp4?sign=${SECRETS.query}` }),
  );
  const headers = { traceparent: `00-${STRANGERS_TRACE}-00f067aa0ba902b7-01` };
  for (const { text } of [sound, lost]) expect((await post(url, text, headers)).status).toBe(200);
  expect((await post(url, "{", headers)).status).toBe(400);
  await untilSettled(product.db, 2);
  await untilVerified(product.db);
  const failed = await dashboard.fetch("/api/recordings?state=failed");
  const [{ id }] = ((await failed.json()) as { items: [{ id: string }] }).items;
  const retried = await dashboard.fetch(`/api/recordings/${id}/retry`, { method: "POST" });
  expect(retried.status).toBe(202);
  await untilVerified(product.db);
  // Stopping sends what is left.
  await Promise.all([ingress.stop(), worker.stop(), dashboard.stop()]);

  const { spans } = collector;
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === null);
  expect(roots.map(({ name }) => name).toSorted()).toEqual([
    "POST /callbacks/css",
    "POST /callbacks/css",
    "POST /callbacks/css",
    "retry recording",
  ]);
  const settled = spans.filter(({ name }) => name === "catalogue settle");
  const traceOf = (callbackId: string): CollectedSpan[] => {
    const one = settled.find(({ attributes }) => attributes["reelgate.callback.id"] === callbackId);
    return spans.filter(({ traceId }) => traceId === one?.traceId);
  };
  const WAY = [
    ["reelgate-ingress", "POST /callbacks/css"],
    ["reelgate-ingress", "add callbacks.callback"],
    ["reelgate-worker", "process callbacks"],
    ["reelgate-worker", "settle callback"],
    ["reelgate-worker", "add media.media"],
    ["reelgate-worker", "process media"],
    ["reelgate-worker", "verify media"],
    ["reelgate-worker", "look at media"],
  ];
  for (const { id: callbackId } of [sound, lost]) {
    const trace = traceOf(callbackId);
    expect(trace).toHaveLength(WAY.length + 1);
    expect(wayTo(trace, "look at media")).toEqual(WAY);
    expect(wayTo(trace, "catalogue settle")).toEqual([
      ...WAY.slice(0, 4),
      ["reelgate-worker", "catalogue settle"],
    ]);
  }
  const attributes = (callbackId: string, name: string): CollectedSpan["attributes"] | undefined =>
    traceOf(callbackId).find((span) => span.name === name)?.attributes;
  expect(attributes(sound.id, "POST /callbacks/css")).toMatchObject({
    "reelgate.answer": "accepted",
    "http.response.status_code": 200,
  });
  expect(attributes(sound.id, "catalogue settle")).toMatchObject({
    "reelgate.outcome": "recorded",
  });
  expect(attributes(sound.id, "look at media")).toMatchObject({
    "reelgate.result": "indexed",
    "reelgate.container": "mp4",
    "reelgate.findings.broken.count": 0,
  });
  expect(attributes(sound.id, "verify media")).toMatchObject({ "reelgate.end": "done" });
  expect(attributes(lost.id, "verify media")).toMatchObject({
    "reelgate.end": "failed",
    "reelgate.code": expect.stringMatching(/^media_(?:url|address)_forbidden$/u) as string,
  });
  const retry = roots.find(({ name }) => name === "retry recording");
  const again = spans.filter(({ traceId }) => traceId === retry?.traceId);
  expect(wayTo(again, "look at media")).toEqual([
    ["reelgate-dashboard", "retry recording"],
    ["reelgate-dashboard", "add media.media"],
    ...WAY.slice(5),
  ]);

  expect(spans.filter(({ traceId }) => traceId === STRANGERS_TRACE)).toEqual([]);
  expect(spans.filter(({ events }) => events > 0)).toEqual([]);
  expect(new Set(collector.requests.map(({ authorization }) => authorization))).toEqual(
    new Set([`Bearer ${HEADER_SECRET}`]),
  );
  const { sign } = JSON.parse(sound.text) as { sign: string };
  const sent = collector.requests.map(({ body }) => body).join("\n");
  for (const [name, secret] of Object.entries({
    ...SECRETS,
    sign,
    redis: new URL(product.redis.url).password,
  })) {
    expect([name, sent.includes(secret)]).toEqual([name, false]);
  }
  expect(`${ingress.log.text()}${worker.log.text()}`).not.toContain(HEADER_SECRET);
});

test("a collector that is away, or takes nothing, changes nothing", async () => {
  await using product = await startProduct();
  const collector = await startOtlpReceiver();
  await collector[Symbol.asyncDispose]();
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  const ingress = await product.startIngress(tracing);
  const worker = await product.startWorker(tracing);
  const callbacks = Array.from({ length: 50 }, (_, index) =>
    signed(recordingNamed(`away-${index}`)),
  );
  const slowestMs = { value: 0 };
  for (const { text } of callbacks) {
    const startedAtMs = performance.now();
    expect((await post(ingress.callbackUrl, text)).status).toBe(200);
    slowestMs.value = Math.max(slowestMs.value, performance.now() - startedAtMs);
  }
  expect(slowestMs.value).toBeLessThan(2500);
  await untilSettled(product.db, callbacks.length);
  await untilVerified(product.db);
  await until(() => ingress.log.withMessage("traces could not be sent").length > 0, {
    what: "the line that says so",
    timeoutMs: 20_000,
  });
  const startedAtMs = performance.now();
  await Promise.all([ingress.stop(), worker.stop()]);
  expect(performance.now() - startedAtMs).toBeLessThan(15_000);
  expect(await Promise.all([ingress.exited, worker.exited])).toMatchObject([
    { code: 0 },
    { code: 0 },
  ]);
  expect(ingress.log.withMessage("traces could not be sent")).toHaveLength(1);
});

/** The spans from the root down to the only one of this name, by service and name. */
function wayTo(trace: readonly CollectedSpan[], name: string): [string, string][] {
  const byId = new Map(trace.map((span) => [span.spanId, span]));
  const way: [string, string][] = [];
  let span = trace.find((one) => one.name === name);
  while (span !== undefined) {
    way.unshift([span.service, span.name]);
    span = span.parentSpanId === null ? undefined : byId.get(span.parentSpanId);
  }
  return way;
}
