import { randomBytes } from "node:crypto";
import { until } from "@reelgate/testkit/latch";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dashboardQueries, inRepository, readRules } from "./deploy-files.ts";
import { queryableNames } from "./exposition.ts";
import { metricNamesIn } from "./promql.ts";
import { APPS, SECRETS, inSeconds, startRunningProduct } from "./running-product.ts";
import type { RunningProduct } from "./running-product.ts";

const opened = new AsyncDisposableStack();
let product: RunningProduct;
/** Callbacks that were acknowledged and are to have an outcome. */
let accepted = 0;
/** All recordings ended five minutes ago. */
const ENDED_AT_S = inSeconds(-300);

beforeAll(async () => {
  product = opened.use(await startRunningProduct());
  await anythingThatHappens();
});
afterAll(() => opened.disposeAsync());

/** A recording of its own. */
function recording(name: string, changes: Readonly<Record<string, unknown>> = {}): string {
  return product.callback({
    stream_id: name,
    file_id: name,
    record_file_id: name,
    file_format: "mp4",
    video_url: `${product.originUrl}/sample.mp4?sign=${SECRETS.urlQuery}`,
    end_time: ENDED_AT_S,
    start_time: ENDED_AT_S - 100,
    ...changes,
  });
}

async function accept(body: string): Promise<void> {
  expect(await product.post(body)).toBe(200);
  accepted += 1;
}

/** One of everything that makes metrics move. */
async function anythingThatHappens(): Promise<void> {
  const first = recording("first");
  await accept(first);
  expect(await product.post(first)).toBe(200);
  await accept(recording("first", { callback_ext: '{"again":true}' }));
  await accept(recording("first", { file_size: 1 }));
  await accept(recording("forbidden", { video_url: "http://192.0.2.1/a.mp4" }));
  await accept(product.callback({ file_format: "none of them" }));
  await accept(product.callback({ event_type: 332 }));
  expect(await product.post("{")).toBe(400);
  expect(await product.post(product.callback({}, inSeconds(-5)))).toBe(401);
  await untilIdle();
  const { body } = await product.dashboard("/api/recordings?state=failed");
  const [{ id }] = (body as { items: [{ id: string }] }).items;
  expect((await product.dashboard(`/api/recordings/${id}/retry`, { method: "POST" })).status).toBe(
    202,
  );
  await untilIdle();
  expect((await product.dashboard("/", { headers: { authorization: "Basic eA==" } })).status).toBe(
    401,
  );
}

async function untilIdle(): Promise<void> {
  await until(
    async () => {
      const { body } = await product.dashboard("/api/stats");
      const { callbacks, recordings } = body as {
        callbacks: { total: number };
        recordings: { byState: { pending: number } };
      };
      return callbacks.total === accepted && recordings.byState.pending === 0;
    },
    { what: "everything being settled and verified", timeoutMs: 60_000, intervalMs: 50 },
  );
}

/** The value of a series of one app; its labels as they stand there. */
async function value(app: (typeof APPS)[number], series: string): Promise<number | undefined> {
  return (await product.exposition(app)).series.get(series);
}

test("docs/metrics.md lists the metrics of the running apps, no more and no less", async () => {
  const rows: string[] = [];
  for (const app of APPS) {
    const { metrics } = await product.exposition(app);
    for (const { name, type, labels, help } of metrics) {
      if (!name.startsWith("reelgate_")) continue;
      const shown = labels.map((label) => `\`${label}\``).join(", ");
      rows.push(`| \`${name}\` | ${type} | ${shown === "" ? "–" : shown} | ${app} | ${help} |`);
    }
  }
  const page = [
    "# Metrics",
    "",
    "On `/metrics` of each app's private port. Every series has the label `app`. Labels come from closed sets: nothing that a callback, a header or a path says becomes one. Besides these there are the usual `process_*` and `nodejs_*` of each process. This page is made from the running apps; a test keeps both equal.",
    "",
    'Every replica of the dashboard shows the same queues and the same catalogue: take `max` over them, not `sum`. A redelivery of the same bytes is dropped by the queue while it knows the job, where no app sees it: `reelgate_ingress_answers_total{answer="accepted"}` counts it and `reelgate_callbacks_settled_total` does not. The catalogue notices later ones (`repeated="true"`) and other bytes about the same recording (`outcome="duplicate"`).',
    "",
    "| name | type | labels | app | meaning |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ];
  await expect(page.join("\n")).toMatchFileSnapshot(inRepository("docs/metrics.md"));
  const names = new Set(rows.map((row) => row.split("`")[1] ?? ""));
  const withoutUnit = [...names].filter(
    (name) =>
      /(?:_ms|_millis|_kb|_mb)(?:_|$)/u.test(name) || /(?:lag|age|wait|run|ack|ping)$/u.test(name),
  );
  expect(withoutUnit).toEqual([]);
});

describe("what alerts and panels ask for exists", () => {
  const rules = readRules();
  const recorded = rules.flatMap(({ record }) => (record === undefined ? [] : [record]));
  /** Made by Prometheus itself. */
  const builtIn = ["up", "ALERTS"];

  test.each([
    ["deploy/prometheus/alerts.yml", rules.map(({ expr }) => expr)],
    ["deploy/grafana/dashboards/reelgate.json", dashboardQueries()],
  ])("in %s", async (_file, queries) => {
    const exposed = await Promise.all(
      APPS.map(async (app) => queryableNames(await product.exposition(app))),
    );
    const known = new Set([...exposed.flat(), ...recorded, ...builtIn]);
    const asked = [...new Set(queries.flatMap(metricNamesIn))];
    expect(asked.length).toBeGreaterThan(20);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  });
});

test("what happened is counted where it belongs", async () => {
  const answers = (answer: string): Promise<number | undefined> =>
    value("ingress", `reelgate_ingress_answers_total{answer="${answer}",app="ingress"}`);
  expect(await answers("accepted")).toBe(accepted + 1);
  expect(await answers("expired")).toBe(1);
  const settled = (outcome: string): Promise<number | undefined> =>
    value(
      "worker",
      `reelgate_callbacks_settled_total{outcome="${outcome}",repeated="false",app="worker"}`,
    );
  expect(
    await Promise.all(["recorded", "duplicate", "conflict", "invalid", "unsupported"].map(settled)),
  ).toEqual([2, 1, 1, 1, 1]);
  const { series } = await product.exposition("worker");
  expect(series.get('reelgate_callbacks_by_event_type_total{event_type="332",app="worker"}')).toBe(
    1,
  );
  expect(
    series.get('reelgate_media_fetched_bytes_total{purpose="look",app="worker"}'),
  ).toBeGreaterThan(1000);
  // The second look at the forbidden one is the operator's retry.
  const givenUp = [...series].filter(
    ([key]) =>
      key.startsWith("reelgate_media_attempts_failed_total{") && key.includes('final="true"'),
  );
  expect(givenUp.reduce((sum, [, count]) => sum + count, 0)).toBe(2);
  const delivery = 'reelgate_recording_delivery_lag_seconds_bucket{le="300",app="worker"}';
  expect(series.get(delivery)).toBeLessThanOrEqual(2);
  expect(series.get('reelgate_recording_delivery_lag_seconds_bucket{le="600",app="worker"}')).toBe(
    2,
  );
  expect(series.get('reelgate_recording_whole_lag_seconds_count{app="worker"}')).toBe(1);
  expect(series.get('reelgate_stage_jobs_in_hand{stage="media",app="worker"}')).toBe(0);
  expect(await value("dashboard", 'reelgate_operator_retries_total{app="dashboard"}')).toBe(1);
  expect(await value("dashboard", 'reelgate_recordings_failed{app="dashboard"}')).toBe(1);
});

test("whatever is sent from outside, no new series come to be", async () => {
  const keys = async (): Promise<Set<string>> =>
    new Set(
      (
        await Promise.all(
          APPS.map(async (app) => [...(await product.exposition(app)).series.keys()]),
        )
      )
        .flat()
        // Node's own count of what is open at the moment, by kind.
        .filter((key) => !key.startsWith("nodejs_active_")),
    );
  await hostileInput();
  await untilIdle();
  const before = await keys();
  await hostileInput();
  await untilIdle();
  expect([...(await keys())].filter((key) => !before.has(key))).toEqual([]);
  expect(before.size).toBeLessThan(1500);
});

/** Nothing in it is the same twice. */
async function hostileInput(): Promise<void> {
  const anything = (): string => randomBytes(6).toString("hex");
  for (let index = 0; index < 20; index++) {
    await accept(product.callback({ event_type: `type-${anything()}` }));
    await accept(product.callback({ event_type: 100_000 + Math.trunc(Math.random() * 1e9) }));
    await accept(
      recording(anything(), {
        file_format: ["mp4", "flv", "hls", "aac"][index % 4],
        video_url: `http://${anything()}.example/${anything()}.mp4?sign=${SECRETS.urlQuery}`,
        [`field_${anything()}`]: anything(),
        app: anything(),
        appid: Math.trunc(Math.random() * 1e9),
      }),
    );
    await product.post(anything(), `/callbacks/css/${anything()}`);
    await product.post(anything(), `/${anything()}`, { method: "PROPFIND" });
    await product.post(anything(), undefined, {
      headers: {
        "x-request-id": SECRETS.header,
        "x-forwarded-for": anything(),
        authorization: SECRETS.header,
        traceparent: `00-${"1".repeat(32)}-${"2".repeat(16)}-01`,
      },
    });
    await product.dashboard(`/${anything()}?q=${SECRETS.header}`);
    await product.dashboard(`/api/recordings/${anything()}`);
    await product.dashboard(`/api/${anything()}`, { method: "PROPPATCH" });
  }
}

test("G6: no secret is in any metric", async () => {
  const texts = await Promise.all(APPS.map((app) => product.scrape(app)));
  const shown = texts.join("\n");
  expect(shown).toContain("reelgate_");
  const planted = { ...SECRETS, redis: new URL(product.redis.url).password };
  for (const [name, secret] of Object.entries(planted)) {
    expect([name, shown.includes(secret)]).toEqual([name, false]);
  }
});
