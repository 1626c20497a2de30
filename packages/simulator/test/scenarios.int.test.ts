import { describe, expect, it } from "vitest";
import { createApiClient } from "../src/api-client.ts";
import { loadMediaSamples } from "../src/media-samples.ts";
import { startOrigin } from "../src/origin.ts";
import type { Origin } from "../src/origin.ts";
import { SCENARIOS, makePlan } from "../src/scenario.ts";
import type { PlanOptions, ScenarioName } from "../src/scenario.ts";
import { sendPlan } from "../src/send.ts";
import type { SendOptions } from "../src/send.ts";
import { summarise } from "../src/summary.ts";
import type { Summary } from "../src/summary.ts";
import { verifyRun } from "../src/verify.ts";
import { KEY, startReferenceReceiver } from "./reference-receiver.ts";
import type { ReceiverFaults, ReferenceReceiver } from "./reference-receiver.ts";

const samples = await loadMediaSamples();

async function runAgainst(
  receiver: ReferenceReceiver,
  origin: Origin | null,
  options: Partial<PlanOptions> & { scenario: ScenarioName },
  timeoutMs: number,
  sending: Partial<SendOptions> = {},
): Promise<Summary> {
  const plan = makePlan({
    count: 60,
    seed: "7",
    runId: "t",
    format: "all",
    baseTimeS: 1_767_225_600,
    origin: origin === null ? null : { baseUrl: origin.baseUrl, samples },
    ...options,
  });
  origin?.publish(plan.originFiles);
  const log = await sendPlan(plan, {
    url: receiver.url,
    key: KEY,
    ratePerS: 0,
    concurrency: 8,
    retries: 3,
    retryIntervalMs: 5,
    ...sending,
  });
  const api = createApiClient(receiver.api);
  try {
    const report = await verifyRun({ plan, log, api, timeoutMs, pollIntervalMs: 5 });
    return summarise(plan, log, report);
  } finally {
    await api.close();
  }
}

async function runScenario(
  options: Partial<PlanOptions> & { scenario: ScenarioName },
  faults: ReceiverFaults = {},
  { withOrigin = true, timeoutMs = 10_000 } = {},
): Promise<Summary> {
  await using receiver = await startReferenceReceiver(faults);
  const origin = withOrigin ? await startOrigin(0, "127.0.0.1") : null;
  try {
    return await runAgainst(receiver, origin, options, timeoutMs);
  } finally {
    await receiver.catalogue.idle();
    await origin?.close();
  }
}

const kinds = (summary: Summary): string[] => [
  ...new Set(summary.verify?.deviations.map((deviation) => deviation.kind)),
];

describe("a receiver that keeps the contract", () => {
  for (const scenario of Object.keys(SCENARIOS) as ScenarioName[]) {
    for (const withOrigin of [true, false]) {
      it(`passes ${scenario} ${withOrigin ? "with" : "without"} an origin`, async () => {
        const summary = await runScenario({ scenario }, {}, { withOrigin });
        expect(summary.verify?.deviations).toEqual([]);
        expect(summary.failures).toEqual([]);
        expect(summary.verify?.rows.every((row) => row.expected === row.found)).toBe(true);
        expect(summary).toMatchObject({ ok: true, sent: 60, retries: 0 });
      });
    }
  }

  it("passes each format", async () => {
    for (const format of ["flv", "hls", "mp4", "aac"] as const) {
      const summary = await runScenario({ scenario: "mixed", format, count: 60 });
      expect(summary.verify?.deviations).toEqual([]);
    }
  });

  it("meets every outcome, refusal and kind of file in a mixed run", async () => {
    const summary = await runScenario({ scenario: "mixed", count: 200 });
    expect(summary.verify?.rows.map((row) => row.what)).toHaveLength(11);
    expect(summary.verify?.rows.every((row) => row.expected > 0)).toBe(true);
    expect(Object.keys(summary.answers).toSorted()).toEqual([
      "200",
      "400 malformed_json",
      "400 missing_signature",
      "400 not_an_object",
      "401 bad_signature",
      "401 expired",
      "413 too_large",
    ]);
  });

  it("verifies a second run with the same seed against the same catalogue", async () => {
    await using receiver = await startReferenceReceiver();
    for (const runId of ["first", "second"]) {
      const summary = await runAgainst(receiver, null, { scenario: "mixed", runId }, 10_000);
      expect(summary.verify?.deviations).toEqual([]);
    }
  });

  it("passes although answers are lost, with retries as they were and signed anew", async () => {
    for (const resign of [false, true]) {
      await using receiver = await startReferenceReceiver({
        losesAnswer: (request) => request > 10 && request <= 30,
      });
      const options = { scenario: "duplicates", count: 60 } as const;
      const summary = await runAgainst(receiver, null, options, 10_000, { resign, retries: 20 });
      expect(summary.verify?.deviations).toEqual([]);
      expect(summary.retries).toBe(summary.answers["503"]);
      expect(summary.retries).toBeGreaterThan(5);
    }
  });
});

describe("verification notices a receiver that", () => {
  const isFile = (body: Record<string, unknown>, format: string): boolean =>
    body.file_format === format;
  const SOON = { timeoutMs: 60 };

  it("loses an acknowledged recording", async () => {
    let lost = 0;
    const loses = (): boolean => (lost += 1) === 5;
    const summary = await runScenario({ scenario: "normal" }, { loses }, SOON);
    expect(summary.ok).toBe(false);
    expect(kinds(summary)).toContain("lost");
    expect(summary.verify?.deviations.filter(({ kind }) => kind === "lost")).toHaveLength(1);
  });

  it("loses events of other types", async () => {
    const loses = (body: Record<string, unknown>): boolean => body.event_type === 0;
    const summary = await runScenario({ scenario: "unsupported" }, { loses }, SOON);
    expect(kinds(summary)).toEqual(["lost"]);
  });

  it("loses invalid callbacks", async () => {
    const loses = (body: Record<string, unknown>): boolean => body.file_size === -1;
    const summary = await runScenario({ scenario: "invalid" }, { loses }, SOON);
    expect(kinds(summary)).toEqual(["lost"]);
  });

  it("doubles a recording", async () => {
    const summary = await runScenario({ scenario: "duplicates" }, { doubles: () => true });
    expect(kinds(summary)).toContain("doubled");
    expect(summary.ok).toBe(false);
  });

  it("lists a recording twice without a callback for it", async () => {
    await using receiver = await startReferenceReceiver();
    const first = await runAgainst(receiver, null, { scenario: "normal", count: 10 }, 1000);
    expect(first.ok).toBe(true);
    const [row] = receiver.catalogue.recordings.values();
    if (row === undefined) throw new Error("no recording");
    receiver.catalogue.recordings.set("ghost", { ...row, id: "ghost" });
    const plan = makePlan({
      scenario: "normal",
      count: 10,
      seed: "7",
      runId: "t",
      format: "all",
      baseTimeS: 1_767_225_600,
      origin: null,
    });
    const api = createApiClient(receiver.api);
    try {
      const log = { bodies: new Map(), deliveries: [], answers: new Map() };
      const report = await verifyRun({
        plan,
        log: { ...log, latenciesMs: [], retries: 0, durationMs: 0 },
        api,
        timeoutMs: 50,
      });
      expect(report.deviations.map(({ kind }) => kind)).toContain("unplanned");
    } finally {
      await api.close();
    }
  });

  it.each([
    ["recorded", "duplicate", "normal"],
    ["recorded", "conflict", "normal"],
    ["recorded", "invalid", "normal"],
    ["recorded", "unsupported", "normal"],
    ["duplicate", "recorded", "duplicates"],
    ["duplicate", "conflict", "duplicates"],
    ["duplicate", "invalid", "duplicates"],
    ["conflict", "duplicate", "reorder"],
    ["conflict", "recorded", "reorder"],
    ["invalid", "unsupported", "invalid"],
    ["invalid", "recorded", "invalid"],
    ["unsupported", "invalid", "unsupported"],
  ] as const)("takes %s for %s", async (right, wrong, scenario) => {
    const misjudges = (outcome: string): never => (outcome === right ? wrong : outcome) as never;
    const summary = await runScenario({ scenario }, { misjudges }, { withOrigin: false });
    expect(summary.ok).toBe(false);
    expect(kinds(summary).some((kind) => kind === "wrong_outcome" || kind === "doubled")).toBe(
      true,
    );
  });

  it("accepts forgeries", async () => {
    const summary = await runScenario({ scenario: "tamper" }, { acceptsForgeries: true });
    expect(kinds(summary)).toContain("unplanned");
    expect(summary.verdicts.unexpected).toBeGreaterThan(0);
  });

  it("overwrites a row with what contradicts it", async () => {
    const summary = await runScenario({ scenario: "tamper" }, { overwrites: true });
    expect(kinds(summary)).toContain("wrong_recording");
  });

  it("rounds times", async () => {
    const summary = await runScenario({ scenario: "normal" }, { dropsMicroseconds: true });
    expect(kinds(summary)).toEqual(["wrong_recording"]);
    expect(summary.verify?.deviations[0]?.subject).toContain("startedAt");
  });

  it("shows secrets", async () => {
    const summary = await runScenario({ scenario: "normal" }, { showsSecrets: true });
    expect(kinds(summary)).toEqual(["secret_shown"]);
  });

  it("believes declared sizes", async () => {
    for (const format of ["mp4", "hls"] as const) {
      const summary = await runScenario({ scenario: "mixed", format }, { believesSizes: true });
      expect(kinds(summary)).toEqual(["wrong_media"]);
      expect(summary.verify?.deviations.every(({ subject }) => subject.includes(format))).toBe(
        true,
      );
    }
  });

  it("misreads durations", async () => {
    const summary = await runScenario({ scenario: "normal" }, { misreadsDurations: true });
    expect(kinds(summary)).toEqual(["wrong_media"]);
    expect(summary.verify?.deviations[0]?.subject).toContain("tracks");
  });

  it("never looks at files", async () => {
    const faults = { leavesPending: true };
    const summary = await runScenario({ scenario: "normal", count: 20 }, faults, SOON);
    expect(kinds(summary)).toEqual(["wrong_media"]);
    expect(summary.verify?.deviations).toHaveLength(summary.verify?.rows[0]?.expected ?? 0);
  });

  it("answers outside the API contract, without waiting for the deadline", async () => {
    const faults = { breaksContract: true };
    const summary = await runScenario({ scenario: "normal", count: 10 }, faults);
    expect(kinds(summary)).toContain("unreadable");
    expect(summary.verify?.waitedMs).toBeLessThan(5000);
  });

  it("loses one format", async () => {
    const loses = (body: Record<string, unknown>): boolean => isFile(body, "aac");
    const summary = await runScenario({ scenario: "mixed" }, { loses }, SOON);
    expect(kinds(summary)).toContain("lost");
  });
});
