import { createProducer } from "@reelgate/shared/adapters/bullmq-producer";
import {
  QUEUES,
  REPLAY_PRIORITY,
  callbackJobId,
  replayJobId,
} from "@reelgate/shared/contract/jobs";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import { createRedis } from "@reelgate/shared/redis";
import { getCallback } from "@reelgate/catalogue/callback-log";
import { settleCallback } from "@reelgate/catalogue/settle";
import { until } from "@reelgate/testkit/latch";
import { callbackJobOf, recordingBody } from "@reelgate/testkit/recording-body";
import { describe, expect, it } from "vitest";
import { judgedCallback } from "../src/handlers/judged-callback.ts";
import { setTheStage, unique } from "./running-worker.ts";

describe("G2: a replay through the queue", () => {
  it("settles what an older version called invalid, any number of times, and leaves the rest alone", async () => {
    await using stage = await setTheStage();
    const connection = createRedis({
      url: stage.redis.url,
      role: "producer",
      name: "replay",
      onError: () => {},
    });
    await until(() => connection.status === "ready");
    const queue = createProducer<CallbackJob>({
      queue: QUEUES.callbacks,
      connection,
      onError: () => {},
    });
    const bodies = ["one", "two"].map((name) => recordingBody(unique(name)));
    for (const body of bodies) {
      const verdict = { kind: "invalid" as const, problems: [] };
      await settleCallback(stage.db, { ...judgedCallback(callbackJobOf(body)), verdict });
    }
    const never = recordingBody(unique("never-settled"));
    const replay = (body: string): Promise<unknown> => {
      const jobId = replayJobId(callbackJobId(Buffer.from(body)));
      return queue.add(
        "callback",
        { ...callbackJobOf(body), replay: true },
        { jobId, priority: REPLAY_PRIORITY, removeOnComplete: true },
      );
    };
    await stage.startWorker({ WORKER_STAGES: "callbacks" });
    for (let round = 0; round < 3; round++) {
      await Promise.all([...bodies, never].map(replay));
      await until(
        async () => (await queue.getJobCountByTypes("prioritized", "waiting", "active")) === 0,
        { what: "an empty queue", timeoutMs: 30_000 },
      );
      expect(await stage.outcomes()).toEqual({ recorded: 2 });
    }
    expect(await queue.getJobCountByTypes("completed", "failed")).toBe(0);
    for (const body of bodies) {
      const id = callbackJobId(Buffer.from(body));
      expect(await getCallback(stage.db, id)).toMatchObject({ outcome: "recorded" });
      // The recording's file is looked at.
      const recordingId = (await getCallback(stage.db, id))?.recordingId ?? "";
      expect(await connection.exists(`reelgate:media:rec-${recordingId}-0`)).toBe(1);
    }
    // A live delivery of a callback that was replayed is the same callback.
    await stage.accept(bodies[0] ?? "");
    await until(async () => (await queue.getJobCountByTypes("completed")) === 1);
    expect(await stage.outcomes()).toEqual({ recorded: 2 });
    connection.disconnect();
  });
});
