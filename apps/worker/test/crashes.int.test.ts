import { createRedis } from "@reelgate/shared/redis";
import { until } from "@reelgate/testkit/latch";
import { startMediaOrigin } from "@reelgate/testkit/media-origin";
import { recordingBody } from "@reelgate/testkit/recording-body";
import { describe, expect, it } from "vitest";
import { redisSweepTurn } from "../src/adapters/redis-sweep-turn.ts";
import { SAMPLES, setTheStage, unique } from "./running-worker.ts";

describe("the turn to sweep", () => {
  it("is one worker's at a time", async () => {
    await using stage = await setTheStage();
    const client = createRedis({
      url: stage.redis.url,
      role: "producer",
      name: "turn",
      onError: () => {},
    });
    await until(() => client.status === "ready");
    const turn = redisSweepTurn(client, 60_000);
    const taken = await Promise.all([turn.take(), turn.take(), turn.take()]);
    client.disconnect();
    expect(taken.filter(Boolean)).toHaveLength(1);
  });
});

describe("a job that no worker lived to end", () => {
  it("ends in a visible failure after the fifth, and stage 1 goes on", async () => {
    await using stage = await setTheStage();
    await using origin = await startMediaOrigin({ root: SAMPLES });
    const worker = await stage.startWorker({ WORKER_STAGES: "callbacks" });
    await stage.accept(
      recordingBody({
        ...unique("killer"),
        file_format: "mp4",
        video_url: `${origin.url}/sample.mp4`,
      }),
    );
    await stage.settled(1);
    const { id } = await stage.recording("killer", () => true);
    const client = createRedis({
      url: stage.redis.url,
      role: "producer",
      name: "crash",
      onError: () => {},
    });
    await until(() => client.status === "ready");
    // As five deaths in the middle of the look leave it: runs that began, and none that ended.
    await client.hset(`reelgate:media:rec-${id}-0`, "ats", "5");
    client.disconnect();
    await stage.startWorker({ WORKER_STAGES: "media" });
    const failed = await stage.recording("killer", ({ state }) => state !== "pending");
    expect(failed).toMatchObject({ state: "failed", failure: { code: "media_look_crashed" } });
    expect(origin.requests).toEqual([]);
    await worker[Symbol.asyncDispose]();
  });
});
