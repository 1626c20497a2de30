import { expect, test } from "vitest";
import { watchStages } from "./watchdog.ts";
import type { WatchedStage } from "./watchdog.ts";

interface Look {
  ready?: number | Error;
  begun?: number;
  inHand?: number;
  isPostgresAway?: boolean;
}

/** What the watchdog says when it has seen these looks, one after the other, and is then stopped. */
async function verdict(looks: readonly Look[]): Promise<{ said: string | null; looked: number }> {
  let looked = 0;
  const now = (): Look => looks[looked - 1] ?? {};
  const stage: WatchedStage = {
    name: "callbacks",
    activity: () => ({ begun: now().begun ?? 0, inHand: now().inHand ?? 0 }),
    ready: () => {
      const ready = now().ready ?? 5;
      return ready instanceof Error ? Promise.reject(ready) : Promise.resolve(ready);
    },
  };
  const said = await watchStages(
    {
      stages: [stage],
      stuckAfterMs: 60_000,
      pingCatalogue: () =>
        now().isPostgresAway === true ? Promise.reject(new Error("away")) : Promise.resolve(),
      clock: {
        sleep: (delayMs) => {
          expect(delayMs).toBe(5000);
          looked += 1;
          return looked > looks.length ? Promise.reject(new Error("stopping")) : Promise.resolve();
        },
      },
    },
    new AbortController().signal,
  );
  return { said, looked };
}

const times = (count: number, look: Look = {}): Look[] => Array.from({ length: count }, () => look);

test("jobs that wait while nothing is in hand and nothing begins: stuck, after a minute", async () => {
  // The first look only learns what had begun before.
  expect(await verdict(times(20))).toEqual({
    said: "the stage callbacks has taken none of 5 waiting jobs for 60 s",
    looked: 13,
  });
});

test.each<[string, Look[]]>([
  ["it is stopped before", times(12)],
  ["nothing waits, or all of it is delayed or paused", times(30, { ready: 0 })],
  ["something is in hand, however long", times(30, { inHand: 1 })],
  ["jobs come and go between the looks", times(30).map((_, begun) => ({ begun }))],
  ["Redis is away", times(30, { ready: new Error("Connection is closed") })],
  ["Postgres is away", times(30, { isPostgresAway: true })],
  ["a job once in a while", times(40).map((_, at) => ({ begun: Math.floor(at / 11) }))],
  ["Redis was away in between", [...times(12), { ready: new Error("gone") }, ...times(11)]],
])("not stuck: %s", async (_what, looks) => {
  expect(await verdict(looks)).toEqual({ said: null, looked: looks.length + 1 });
});
