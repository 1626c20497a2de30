import type { Callback, Recording } from "@reelgate/shared/contract/recording";
import type { Plan } from "@reelgate/simulator/plan";
import type { SendLog, Verdict } from "@reelgate/simulator/send";
import { describe, expect, test } from "vitest";
import { checkDeliveries, checkExpired, checkOutcomes } from "./outcomes.ts";
import type { Catalogued } from "./outcomes.ts";

const plan = {
  callbacks: [
    { label: "first", expect: { kind: "recording", recording: "one" } },
    { label: "again", expect: { kind: "recording", recording: "one" } },
    { label: "forged", expect: { kind: "refused" } },
  ],
} as unknown as Plan;

const body = (id: string, callback: number, acknowledged = true) =>
  [id, { id, callback, sign: null, acknowledged }] as const;
const logOf = (verdict: Verdict = "as_planned"): SendLog => ({
  deliveries: [
    { callback: 1, attempts: 3, answer: { status: 503, error: "queue_unavailable" }, verdict },
  ],
  bodies: new Map([body("cb-1", 0), body("cb-2", 1), body("cb-3", 2, false)]),
  answers: new Map(),
  latenciesMs: [],
  retries: 0,
  durationMs: 0,
});
const callback = (id: string, outcome: string, recordingId: string | null = "7") =>
  ({ id, outcome, recordingId }) as Callback;
const recording = (id: string, callbackCount: number) => ({ id, callbackCount }) as Recording;

const SOUND: Catalogued = {
  callbacks: [callback("cb-1", "recorded"), callback("cb-2", "duplicate")],
  recordings: [recording("7", 2)],
};
const outcomesOf = (catalogued: Partial<Catalogued>) =>
  checkOutcomes(plan, logOf(), { ...SOUND, ...catalogued }, () => "after 1.0 s by receiver").map(
    ({ check, id }) => `${check}: ${id}`,
  );

describe("what the sender knows against what the catalogue has", () => {
  test("is sound when each acknowledged callback has one outcome, and each recording its own", () => {
    expect(outcomesOf({})).toEqual([]);
  });

  test.each<[string, Partial<Catalogued>, string[]]>([
    [
      "lost",
      { callbacks: SOUND.callbacks.slice(0, 1) },
      ["acknowledged: cb-2", "identities: recording 7"],
    ],
    [
      "settled twice",
      { callbacks: [...SOUND.callbacks, callback("cb-2", "duplicate")] },
      ["doubled: cb-2", "identities: recording 7"],
    ],
    [
      "never sent",
      { callbacks: [...SOUND.callbacks, callback("cb-9", "invalid", null)] },
      ["doubled: cb-9"],
    ],
    ["counted twice", { recordings: [recording("7", 3)] }, ["identities: recording 7"]],
    [
      "made a second recording",
      { recordings: [...SOUND.recordings, recording("8", 0)] },
      ["identities: recordings"],
    ],
  ])("names a callback that was %s", (_what, catalogued, violations) => {
    expect(outcomesOf(catalogued)).toEqual(violations);
  });
});

test("a delivery that did not end as planned is named, with its last answer", () => {
  expect(checkDeliveries(plan, logOf())).toEqual([]);
  expect(checkDeliveries(plan, logOf("undelivered"))).toEqual([
    {
      check: "delivered",
      id: "cb-2",
      detail: "again: undelivered, at last 503 after 3 attempts",
    },
  ]);
});

test("what had expired is named when it was answered 200, and when it is in the catalogue", () => {
  expect(checkExpired({ expired: new Set(["cb-3"]), expiredAccepted: [] }, SOUND)).toEqual([]);
  const accepted = [{ id: "cb-1", expiredForS: 2.5 }];
  expect(checkExpired({ expired: new Set(["cb-2"]), expiredAccepted: accepted }, SOUND)).toEqual([
    { check: "expired", id: "cb-1", detail: "answered 200, 2.5 s after its t" },
    { check: "expired", id: "cb-2", detail: "was only sent after its t, and ended as duplicate" },
  ]);
});
