import { describe, expect, it } from "vitest";
import type { Plan } from "../src/plan.ts";
import { makePlan } from "../src/scenario.ts";
import type { ScenarioName } from "../src/scenario.ts";
import { sendPlan } from "../src/send.ts";
import type { Attempt, SendOptions } from "../src/send.ts";
import { callbackId } from "../src/sign.ts";
import { summarise } from "../src/summary.ts";
import { KEY, startReferenceReceiver } from "./reference-receiver.ts";
import type { ReferenceReceiver } from "./reference-receiver.ts";

const plan = (count: number, scenario: ScenarioName = "normal"): Plan =>
  makePlan({
    scenario,
    count,
    seed: "1",
    runId: "r",
    format: "mp4",
    baseTimeS: 1_767_225_600,
    origin: null,
  });

const options = (receiver: ReferenceReceiver): SendOptions => ({
  url: receiver.url,
  key: KEY,
  ratePerS: 0,
  concurrency: 4,
  retryIntervalMs: 5,
});

describe("sending", () => {
  it.each([500, 503, 429, 204, 201, 302, 404, 401])("repeats after %i", async (status) => {
    await using receiver = await startReferenceReceiver({
      answers: (request) => (request <= 2 ? status : null),
    });
    const log = await sendPlan(plan(1), options(receiver));
    expect(log.deliveries).toMatchObject([
      { attempts: 3, verdict: "as_planned", answer: { status: 200 } },
    ]);
    expect(log.retries).toBe(2);
    expect(log.answers).toEqual(
      new Map([
        [String(status), 2],
        ["200", 1],
      ]),
    );
    expect(receiver.arrivals[1]).toEqual(receiver.arrivals[0]);
  });

  it("repeats when no answer comes in time", async () => {
    await using receiver = await startReferenceReceiver({
      answers: (request) => (request === 1 ? "hang" : null),
    });
    const log = await sendPlan(plan(1), { ...options(receiver), timeoutMs: 50 });
    expect(log.answers).toEqual(
      new Map([
        ["timeout", 1],
        ["200", 1],
      ]),
    );
    expect(log.deliveries[0]?.verdict).toBe("as_planned");
    expect(log.latenciesMs).toHaveLength(1);
  });

  it("gives up after twelve retries, and says so", async () => {
    await using receiver = await startReferenceReceiver({ answers: () => 503 });
    const sent = plan(1);
    const log = await sendPlan(sent, options(receiver));
    expect(receiver.arrivals).toHaveLength(13);
    expect(log.deliveries).toMatchObject([{ attempts: 13, verdict: "undelivered" }]);
    expect(summarise(sent, log, null)).toMatchObject({ ok: false, retries: 12, requests: 13 });
  });

  it("goes to another replica with each request, and signs anew what it is told to", async () => {
    await using refusing = await startReferenceReceiver({ answers: () => 503 });
    await using receiver = await startReferenceReceiver();
    const attempts: Attempt[] = [];
    const urls = [refusing.url, refusing.url, receiver.url];
    const log = await sendPlan(plan(1), {
      ...options(receiver),
      url: () => urls[attempts.length] ?? "",
      resign: () => attempts.length === 2,
      onAttempt: (attempt) => attempts.push(attempt),
    });
    expect(attempts.map(({ url }) => url)).toEqual(urls);
    const [first, second, third] = attempts.map(({ callbackId }) => callbackId);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
    expect(attempts[2]?.tS).toBeGreaterThan(Number(attempts[0]?.tS));
    expect([...log.bodies.values()].map(({ id, acknowledged }) => [id, acknowledged])).toEqual([
      [first, false],
      [third, true],
    ]);
  });

  it("names what kept a connection from coming about", async () => {
    const receiver = await startReferenceReceiver();
    await receiver[Symbol.asyncDispose]();
    const log = await sendPlan(plan(1), { ...options(receiver), retries: 0 });
    expect(log.answers).toEqual(new Map([["ECONNREFUSED", 1]]));
    expect(log.deliveries[0]?.answer).toEqual({ status: null, error: "ECONNREFUSED" });
  });

  it("signs retries anew when asked, as callbacks of their own", async () => {
    await using receiver = await startReferenceReceiver({
      answers: (request) => (request === 1 ? 503 : null),
    });
    const log = await sendPlan(plan(1), { ...options(receiver), resign: true });
    expect(receiver.arrivals).toHaveLength(2);
    const [first, second] = receiver.arrivals.map((body) => callbackId(body));
    expect(first).not.toBe(second);
    expect([...log.bodies.values()].map(({ id, acknowledged }) => [id, acknowledged])).toEqual([
      [first, false],
      [second, true],
    ]);
  });

  it("repeats a planned refusal only until it is refused", async () => {
    await using receiver = await startReferenceReceiver({
      answers: (request) => (request <= 2 ? 503 : null),
    });
    const expired = plan(1, "expired");
    const only: Plan = {
      ...expired,
      deliveries: expired.callbacks
        .filter((callback) => callback.expect.kind === "refused")
        .slice(0, 1)
        .map((callback) => ({ callback: callback.index, retry: false })),
    };
    expect(only.deliveries).toHaveLength(1);
    const log = await sendPlan(only, options(receiver));
    expect(log.deliveries).toMatchObject([
      { attempts: 3, verdict: "as_planned", answer: { status: 401, error: "expired" } },
    ]);
  });

  it.each([
    ["no JSON", "<html>", "503"],
    ["an error code", '{"error":"overloaded"}', "503 overloaded"],
    ["no code but a text", '{"error":"it went wrong\\n200"}', "503"],
    ["another type", '{"error":{"toString":1}}', "503"],
    ["null", "null", "503"],
    ["more than is read", Buffer.alloc(5_000_000, "a"), "503"],
  ])("counts an answer whose body is %s", async (_what, answerBody, label) => {
    await using receiver = await startReferenceReceiver({ answers: () => 503, answerBody });
    const log = await sendPlan(plan(1), { ...options(receiver), retries: 0 });
    expect([...log.answers.keys()]).toEqual([label]);
  });

  it("keeps to the number of requests in flight", async () => {
    await using receiver = await startReferenceReceiver();
    let open = 0;
    let most = 0;
    const onAttempt = (): void => {
      open -= 1;
    };
    const sent = plan(60);
    const counted: Plan = {
      ...sent,
      callbacks: sent.callbacks.map((callback) => ({
        ...callback,
        get signing() {
          open += 1;
          most = Math.max(most, open);
          return callback.signing;
        },
      })),
    };
    await sendPlan(counted, { ...options(receiver), concurrency: 3, onAttempt });
    expect(most).toBe(3);
    expect(receiver.arrivals).toHaveLength(60);
  });

  it("keeps to the rate", async () => {
    await using receiver = await startReferenceReceiver();
    const log = await sendPlan(plan(21), { ...options(receiver), ratePerS: 100 });
    expect(log.durationMs).toBeGreaterThan(195);
    expect(log.deliveries).toHaveLength(21);
  });

  it("ends at once when it is told to, and reports what was not delivered", async () => {
    await using receiver = await startReferenceReceiver({ answers: () => 503 });
    const ending = new AbortController();
    const attempts: Attempt[] = [];
    const sent = plan(5);
    const log = await sendPlan(sent, {
      ...options(receiver),
      retryIntervalMs: 60_000,
      signal: ending.signal,
      onAttempt: (attempt) => {
        attempts.push(attempt);
        if (attempts.length === 5) ending.abort();
      },
    });
    expect(attempts).toHaveLength(5);
    expect(summarise(sent, log, null)).toMatchObject({ ok: false, planned: 5 });
  });

  it("redelivers the very same bytes, and makes copies that differ", async () => {
    await using receiver = await startReferenceReceiver();
    const sent = plan(60, "duplicates");
    const log = await sendPlan(sent, options(receiver));
    const ids = receiver.arrivals.map((body) => callbackId(body));
    const callbacks = new Set(sent.deliveries.map((delivery) => delivery.callback));
    expect(new Set(ids).size).toBe(callbacks.size);
    expect(ids.length).toBeGreaterThan(callbacks.size);
    expect([...log.bodies.keys()].toSorted()).toEqual([...new Set(ids)].toSorted());
  });
});
