import { describe, expect, it } from "vitest";
import { RECORDING_EVENT_FIELDS } from "@reelgate/shared/contract/recording-event";
import { loadMediaSamples, sampleSizeBytes } from "./media-samples.ts";
import type { Expectation, Plan } from "./plan.ts";
import { SCENARIOS, makePlan } from "./scenario.ts";
import type { PlanOptions, ScenarioName } from "./scenario.ts";

const samples = await loadMediaSamples();
const ORIGIN = { baseUrl: "http://127.0.0.1:8090", samples };

const plan = (options: Partial<PlanOptions> = {}): Plan =>
  makePlan({
    scenario: "mixed",
    count: 300,
    seed: "7",
    runId: "run",
    format: "all",
    baseTimeS: 1_767_225_600,
    origin: ORIGIN,
    ...options,
  });

const expectations = (of: Plan): Expectation[] =>
  of.deliveries.flatMap(({ callback }) => of.callbacks[callback]?.expect ?? []);

const NAMES = Object.keys(SCENARIOS) as ScenarioName[];

describe("a plan", () => {
  it.each(NAMES)("is the same for the same options: %s", (scenario) => {
    expect(plan({ scenario })).toEqual(plan({ scenario }));
    expect(plan({ scenario, seed: "8" }).deliveries).not.toEqual([]);
  });

  it.each(NAMES)("has as many deliveries as asked for: %s", (scenario) => {
    for (const count of [1, 2, 7, 300]) {
      expect(plan({ scenario, count }).deliveries).toHaveLength(count);
    }
  });

  it("differs in ids alone between two runs of one seed", () => {
    const [first, second] = [plan({ runId: "one" }), plan({ runId: "two" })];
    const shape = (of: Plan): unknown => [
      of.deliveries,
      of.callbacks.map(({ label, signing, expect: { kind } }) => [label, signing, kind]),
      of.recordings.map(({ key, format, file }) => [key, format, file]),
    ];
    expect(shape(first)).toEqual(shape(second));
    const ids = (of: Plan): unknown[] =>
      of.recordings.flatMap(({ variants, streamId }) => [
        streamId,
        ...[...variants.values()].flatMap(({ file_id: fileId }) => fileId ?? []),
      ]);
    const secondIds = new Set(ids(second));
    expect(ids(first).filter((id) => secondIds.has(id))).toEqual([]);
    expect([...first.originFiles.keys()].some((path) => second.originFiles.has(path))).toBe(false);
  });

  it("differs between seeds", () => {
    expect(plan({ seed: "1" }).deliveries).not.toEqual(plan({ seed: "2" }).deliveries);
  });

  it("has every field of the specification in its recording callbacks", () => {
    const names = plan().recordings.flatMap(({ variants }) =>
      [...variants.values()].flatMap((fields) => Object.keys(fields)),
    );
    const expected = Object.keys(RECORDING_EVENT_FIELDS).filter(
      (name) => name !== "t" && name !== "sign",
    );
    expect(names).toEqual(expect.arrayContaining(expected));
  });

  it("writes ids beyond 2^53 as text", () => {
    const ids = plan().recordings.flatMap(({ variants }) =>
      [...variants.values()].flatMap(({ file_id: fileId }) => fileId ?? []),
    );
    expect(ids.length).toBeGreaterThan(50);
    expect(ids.filter((id) => typeof id !== "string" || !/^\d{19}$/u.test(id))).toEqual([]);
    expect(ids.filter((id) => Number(id) <= Number.MAX_SAFE_INTEGER)).toEqual([]);
  });

  it("knows every push secret that it sends", () => {
    const sent = plan().callbacks.flatMap(({ content, expect: { kind }, secrets }) => {
      if (content.kind === "raw" || kind === "refused") return [];
      const [, secret] = /txSecret=(\w+)/u.exec(JSON.stringify(content.fields)) ?? [];
      return secret === undefined ? [] : [{ secret, secrets }];
    });
    expect(sent.length).toBeGreaterThan(50);
    expect(sent.filter(({ secret, secrets }) => !secrets.includes(secret))).toEqual([]);
  });

  it("keeps to one format when asked", () => {
    const { recordings } = plan({ format: "aac" });
    expect(new Set(recordings.map((recording) => recording.format))).toEqual(new Set(["aac"]));
  });

  it("declares the sizes of the samples, and serves what it says it serves", () => {
    const { recordings, originFiles } = plan();
    for (const { file, variants, format } of recordings) {
      const fields = variants.get("first");
      expect(fields?.file_size).toBe(sampleSizeBytes(samples, format));
      const served = originFiles.get(new URL(fields?.video_url as string).pathname);
      expect(served === undefined).toBe(file.kind === "missing");
    }
    const cut = recordings.flatMap(({ file, format }) =>
      file.kind === "truncated" ? [{ served: file.servedBytes, format }] : [],
    );
    expect(cut.length).toBeGreaterThan(0);
    expect(cut.filter(({ served, format }) => served >= sampleSizeBytes(samples, format))).toEqual(
      [],
    );
    expect(new Set(recordings.map(({ file }) => file.kind))).toEqual(
      new Set(["whole", "missing", "truncated"]),
    );
  });

  it("asserts nothing of files when there is no origin", () => {
    const without = plan({ origin: null });
    expect(without.recordings.every(({ file }) => file.kind === "unasserted")).toBe(true);
    expect(without.originFiles.size).toBe(0);
    const [fields] = without.recordings[0]?.variants.values() ?? [];
    expect(fields?.video_url).toMatch(/^http:\/\/\d+\.vod2\.myqcloud\.com\//u);
  });

  it("counts a stream's recordings, none for what is refused, invalid or unsupported", () => {
    const { streams, recordings } = plan();
    const total = [...streams.values()].reduce((sum, count) => sum + count, 0);
    expect(total).toBe(recordings.length);
    expect([...streams.values()].filter((count) => count === 0).length).toBeGreaterThan(10);
  });
});

describe("scenarios", () => {
  const kindsOf = (scenario: ScenarioName): Set<string> =>
    new Set(expectations(plan({ scenario })).map((expectation) => expectation.kind));

  it("have what they are for", () => {
    expect(kindsOf("normal")).toEqual(new Set(["recording"]));
    expect(kindsOf("duplicates")).toEqual(new Set(["recording"]));
    expect(kindsOf("tamper")).toEqual(new Set(["recording", "refused"]));
    expect(kindsOf("expired")).toEqual(new Set(["recording", "refused"]));
    expect(kindsOf("invalid")).toEqual(new Set(["recording", "invalid"]));
    expect(kindsOf("unsupported")).toEqual(new Set(["recording", "unsupported"]));
    expect(kindsOf("mixed")).toEqual(new Set(["recording", "refused", "invalid", "unsupported"]));
  });

  it("repeat only what is not refused by plan", () => {
    const { deliveries, callbacks } = plan();
    for (const delivery of deliveries) {
      const kind = callbacks[delivery.callback]?.expect.kind;
      expect(delivery.retry).toBe(kind !== "refused");
    }
  });

  it("tell contradictions before what they contradict, in reorder", () => {
    const { deliveries, callbacks } = plan({ scenario: "reorder" });
    const order = deliveries.map(({ callback }) => callbacks[callback]?.expect);
    const firsts = new Map<string, string>();
    for (const expectation of order) {
      if (expectation?.kind === "recording" && !firsts.has(expectation.recording)) {
        firsts.set(expectation.recording, expectation.variant);
      }
    }
    expect([...firsts.values()]).toContain("another size");
    expect([...firsts.values()]).toContain("first");
  });

  it("meet every kind of refusal in tamper", () => {
    const refusals = new Set(
      expectations(plan({ scenario: "tamper" })).flatMap((expectation) =>
        expectation.kind === "refused" ? [`${expectation.status} ${expectation.error}`] : [],
      ),
    );
    expect(refusals).toEqual(
      new Set([
        "400 malformed_json",
        "400 not_an_object",
        "400 missing_signature",
        "401 bad_signature",
        "413 too_large",
      ]),
    );
  });
});
