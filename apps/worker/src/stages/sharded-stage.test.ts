import { createLatch } from "@reelgate/testkit/latch";
import { shardsOf } from "@reelgate/shared/contract/queue-shards";
import type { QueueShard } from "@reelgate/shared/contract/queue-shards";
import { expect, test } from "vitest";
import { startShardedStage } from "./sharded-stage.ts";
import type { JobRun, RunningStage, StageHandler } from "./stage.ts";

const idle = (shard: QueueShard): RunningStage => ({
  isRunning: true,
  shard,
  activity: () => ({ begun: 0, inHand: 0 }),
  [Symbol.asyncDispose]: async () => {},
});
const runWith = (signal: AbortSignal): JobRun => ({ signal, crashes: 0, progress: () => {} });

test("the concurrency holds for all shards together, and who waits for a place lets a stop through", async () => {
  const go = createLatch();
  const worked: number[] = [];
  let running = 0;
  let most = 0;
  const handlers: StageHandler<number>[] = [];
  const shares: number[] = [];
  await using stage = startShardedStage<number>({
    shards: shardsOf("media", 12),
    concurrency: 8,
    handler: async (job) => {
      running += 1;
      most = Math.max(most, running);
      worked.push(job);
      await go.wait();
      running -= 1;
      return { kind: "done" };
    },
    start: (shard, own) => {
      handlers.push(own.handler);
      shares.push(own.concurrency);
      return idle(shard);
    },
  });
  expect(stage.isRunning).toBe(true);
  expect(shares).toEqual(Array.from({ length: 12 }, () => 1));
  const stopping = new AbortController();
  const runs = handlers.map((handler, shard) => handler(shard, runWith(stopping.signal)));
  const ends = Promise.allSettled(runs);
  await Promise.resolve();
  stopping.abort(new Error("stopped"));
  go.open();
  const statuses = (await ends).map(({ status }) => status);
  expect(most).toBe(8);
  expect(worked).toHaveLength(8);
  expect(statuses.filter((status) => status === "rejected")).toHaveLength(4);
});

test("a queue that is not split has all of the concurrency, and no bound of its own", () => {
  const given: unknown[] = [];
  const handler: StageHandler<number> = async () => ({ kind: "done" });
  startShardedStage<number>({
    shards: shardsOf("media", 1),
    concurrency: 8,
    handler,
    start: (shard, own) => {
      given.push({ name: shard.name, ...own });
      return idle(shard);
    },
  });
  expect(given).toEqual([{ name: "media", concurrency: 8, handler }]);
});
