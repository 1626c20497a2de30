import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { bullmqMediaQueue } from "@reelgate/shared/adapters/bullmq-media-queue";
import { createProducer } from "@reelgate/shared/adapters/bullmq-producer";
import { QUEUES } from "@reelgate/shared/contract/jobs";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import { createRedis } from "@reelgate/shared/redis";
import { requestRetry } from "@reelgate/catalogue/media-state";
import { until } from "@reelgate/testkit/latch";
import { startMediaOrigin } from "@reelgate/testkit/media-origin";
import { startTestPostgres } from "@reelgate/testkit/postgres-server";
import { recordingBody } from "@reelgate/testkit/recording-body";
import { migrateToLatest } from "@reelgate/catalogue/migrate";
import { describe, expect, it } from "vitest";
import { postgresCatalogue } from "../src/adapters/catalogue.ts";
import { redisSweepTurn } from "../src/adapters/redis-sweep-turn.ts";
import { sweepPending } from "../src/handlers/sweep-pending.ts";
import { fakeClock, recordedEvents } from "./fake-ports.ts";
import { SAMPLES, setTheStage, unique } from "./running-worker.ts";

describe("the worker, on real Redis, Postgres and media", () => {
  it("turns one callback of each format into a verified recording", async () => {
    await using stage = await setTheStage();
    await using origin = await startMediaOrigin({ root: SAMPLES });
    const segments = await readdir(join(SAMPLES, "hls"));
    const sizes = await Promise.all(
      segments
        .filter((name) => name.endsWith(".ts"))
        .map(async (name) => (await readFile(join(SAMPLES, "hls", name))).length),
    );
    const hlsBytes = sizes.reduce((sum, size) => sum + size, 0);
    await stage.startWorker();
    for (const format of ["mp4", "flv", "aac", "hls"]) {
      const path = format === "hls" ? "hls/sample.m3u8" : `sample.${format}`;
      const sizeBytes = format === "hls" ? hlsBytes : (await readFile(join(SAMPLES, path))).length;
      await stage.accept(
        recordingBody({
          ...unique(format),
          file_format: format,
          file_size: sizeBytes,
          duration: 6,
          video_url: `${origin.url}/${path}`,
        }),
      );
      const recording = await stage.recording(format, ({ state }) => state !== "pending");
      expect(recording).toMatchObject({
        state: "indexed",
        media: { container: format, sizeBytes },
        findings: [],
        failure: null,
      });
    }
    expect(await stage.outcomes()).toEqual({ recorded: 4 });
  });

  it("says what is wrong with a file that is not what was declared", async () => {
    await using stage = await setTheStage();
    await using origin = await startMediaOrigin({ root: SAMPLES });
    await stage.startWorker();
    await stage.accept(
      recordingBody({
        ...unique("short"),
        file_format: "mp4",
        file_size: 99_999_999,
        video_url: `${origin.url}/sample.mp4`,
      }),
    );
    const { media, findings } = await stage.recording("short", ({ state }) => state === "indexed");
    const real = (await readFile(join(SAMPLES, "sample.mp4"))).length;
    expect(media?.sizeBytes).toBe(real);
    expect(findings).toContainEqual(
      expect.objectContaining({ kind: "size_mismatch", declared: 99_999_999, actual: real }),
    );
  });

  it("waits for a file that is not there yet, and verifies it once it is", async () => {
    await using stage = await setTheStage();
    await using origin = await startMediaOrigin({});
    await stage.startWorker();
    const file = await readFile(join(SAMPLES, "sample.flv"));
    await stage.accept(
      recordingBody({
        ...unique("late"),
        file_format: "flv",
        duration: 6,
        file_size: file.length,
        video_url: `${origin.url}/late.flv`,
      }),
    );
    const waiting = await stage.recording("late", ({ failure }) => failure !== null);
    expect(waiting).toMatchObject({
      state: "pending",
      failure: { code: "media_not_found", attempts: 1 },
    });
    origin.setFile("/late.flv", file);
    expect(await stage.recording("late", ({ state }) => state !== "pending")).toMatchObject({
      state: "indexed",
      findings: [],
      failure: null,
    });
  });

  it("ends in a visible failure what cannot heal, and looks again when an operator asks", async () => {
    await using stage = await setTheStage();
    await using origin = await startMediaOrigin({ root: SAMPLES });
    const file = await readFile(join(SAMPLES, "sample.aac"));
    origin.setFault("/sample.aac", { kind: "status", status: 403 });
    await stage.startWorker();
    await stage.accept(
      recordingBody({
        ...unique("refused"),
        file_format: "aac",
        duration: 6,
        file_size: file.length,
        video_url: `${origin.url}/sample.aac`,
      }),
    );
    const failed = await stage.recording("refused", ({ state }) => state === "failed");
    expect(failed.failure).toMatchObject({ code: "media_forbidden", attempts: 1 });

    origin.setFault("/sample.aac", null);
    const retry = await requestRetry(stage.db, failed.id);
    if (retry.kind !== "accepted") throw new Error(`the retry was ${retry.kind}`);
    const connection = createRedis({
      url: stage.redis.url,
      role: "producer",
      name: "retry",
      onError: () => {},
    });
    await until(() => connection.status === "ready");
    await bullmqMediaQueue(
      createProducer<MediaJob>({ queue: QUEUES.media, connection, onError: () => {} }),
    ).enqueue(retry.job);
    expect(await stage.recording("refused", ({ state }) => state === "indexed")).toMatchObject({
      failure: null,
      findings: [],
    });
    connection.disconnect();
  });

  it("G5: contacts nothing that is not allowed", async () => {
    await using stage = await setTheStage();
    await using victim = await startMediaOrigin({ root: SAMPLES });
    await stage.startWorker({ MEDIA_ALLOWED_HOSTS: "*.myqcloud.com" });
    await stage.accept(
      recordingBody({
        ...unique("ssrf"),
        file_format: "mp4",
        video_url: `${victim.url}/sample.mp4`,
      }),
    );
    expect(await stage.recording("ssrf", ({ state }) => state === "failed")).toMatchObject({
      failure: { code: "media_url_forbidden" },
    });
    expect(victim.connections).toBe(0);
  });
});

describe("a dead origin", () => {
  it("does not hold up the files of others: first looks come before repeated ones", async () => {
    await using stage = await setTheStage();
    await using origin = await startMediaOrigin({ root: SAMPLES });
    origin.setFile("/dead.mp4", "");
    origin.setFault("/dead.mp4", { kind: "status", status: 500 });
    const looks = (path: string): number =>
      origin.requests.filter((request) => request.path.startsWith(path)).length;
    const dead = Array.from({ length: 20 }, (_, index) =>
      recordingBody({
        ...unique(`dead-${index}`),
        file_format: "mp4",
        video_url: `${origin.url}/dead.mp4?${index}`,
      }),
    );
    const worker = await stage.startWorker({ MEDIA_CONCURRENCY: "1" });
    await Promise.all(dead.map((body) => stage.accept(body)));
    await until(() => looks("/dead.mp4") >= 20, { what: "a first look at each" });
    await worker[Symbol.asyncDispose]();

    const admin = createRedis({
      url: stage.redis.url,
      role: "producer",
      name: "admin",
      onError: () => {},
    });
    await until(() => admin.status === "ready");
    // BullMQ's score of a delayed job: when it is due, in milliseconds, times 4096.
    const due = () => admin.zcount("reelgate:media:delayed", 0, Date.now() * 4096);
    const waiting = () => admin.zcard("reelgate:media:prioritized");
    await until(async () => (await due()) + (await waiting()) === 20, {
      what: "every retry to be due",
    });

    // One retry hangs, the other 19 wait behind it when the sound recording comes.
    origin.setFault("/dead.mp4", { kind: "no-answer" }, { times: 1 });
    const before = looks("/dead.mp4");
    const hanging = await stage.startWorker({
      MEDIA_CONCURRENCY: "1",
      SHUTDOWN_GRACE_MS: "11000",
    });
    await until(async () => looks("/dead.mp4") > before && (await waiting()) === 19, {
      what: "the retries to wait",
    });
    await stage.accept(
      recordingBody({
        ...unique("sound"),
        file_format: "mp4",
        video_url: `${origin.url}/sample.mp4`,
      }),
    );
    await stage.settled(21);
    await hanging[Symbol.asyncDispose]();
    admin.disconnect();

    origin.setFault("/dead.mp4", { kind: "status", status: 500 });
    const beforeSound = looks("/dead.mp4");
    await stage.startWorker({ WORKER_STAGES: "media", MEDIA_CONCURRENCY: "1" });
    await stage.recording("sound", ({ state }) => state === "indexed");
    // What the worker takes up while this test is looking may be retries again; 19 of them were before it.
    expect(looks("/dead.mp4") - beforeSound).toBeLessThan(10);
  });
});

describe("G2: one outcome, whatever happens", () => {
  it("settles what waited while Postgres was away", async () => {
    await using postgres = await startTestPostgres();
    await migrateToLatest(postgres.adminUrl);
    await using stage = await setTheStage({ databaseUrl: postgres.adminUrl });
    await stage.startWorker();
    await stage.accept(recordingBody({ ...unique("before"), video_url: "http://127.0.0.1:1/x" }));
    await stage.settled(1);
    await postgres.kill("SIGKILL");
    for (let index = 0; index < 100; index++) {
      await stage.accept(
        recordingBody({ ...unique(`during-${index}`), video_url: "http://127.0.0.1:1/x" }),
      );
    }
    await postgres.restart();
    await stage.settled(101, 60_000);
    expect(await stage.outcomes()).toEqual({ recorded: 101 });
  });

  it("settles a redelivery after its job was forgotten by Redis without a second outcome", async () => {
    await using stage = await setTheStage();
    await stage.startWorker();
    const body = recordingBody({ video_url: "http://127.0.0.1:1/x" });
    await stage.accept(body);
    await stage.settled(1);
    const admin = createRedis({
      url: stage.redis.url,
      role: "producer",
      name: "admin",
      onError: () => {},
    });
    await until(() => admin.status === "ready");
    await admin.flushall();
    admin.disconnect();
    await stage.accept(body);
    await stage.accept(recordingBody({ video_url: "http://127.0.0.1:1/x", t: 2 }));
    await stage.settled(2);
    expect(await stage.outcomes()).toEqual({ recorded: 1, duplicate: 1 });
  });

  it("finds a recording again whose media job was lost with Redis", async () => {
    await using stage = await setTheStage();
    await using origin = await startMediaOrigin({ root: SAMPLES });
    const callbacksOnly = await stage.startWorker({ WORKER_STAGES: "callbacks" });
    await stage.accept(
      recordingBody({
        ...unique("lost"),
        file_format: "mp4",
        video_url: `${origin.url}/sample.mp4`,
      }),
    );
    await stage.settled(1);
    await callbacksOnly[Symbol.asyncDispose]();
    const connection = createRedis({
      url: stage.redis.url,
      role: "producer",
      name: "admin",
      onError: () => {},
    });
    await until(() => connection.status === "ready");
    await connection.flushall();

    await stage.startWorker();
    const swept = await sweepPending(
      {
        catalogue: postgresCatalogue(stage.db, {
          maxBatchSize: 1,
          maxBatchesInFlight: 1,
          onBatch: () => {},
        }),
        mediaQueue: bullmqMediaQueue(
          createProducer<MediaJob>({ queue: QUEUES.media, connection, onError: () => {} }),
        ),
        turn: redisSweepTurn(connection, 60_000),
        clock: fakeClock(Date.now() + 120_000).clock,
        events: recordedEvents().events,
      },
      new AbortController().signal,
    );
    expect(swept).toBe(1);
    expect((await stage.recording("lost", ({ state }) => state !== "pending")).state).toBe(
      "indexed",
    );
    connection.disconnect();
  });
});

describe("G3: one row per recording", () => {
  it("whatever the number and order of its callbacks, over two workers", async () => {
    await using stage = await setTheStage();
    await stage.startWorker();
    await stage.startWorker();
    const bodies = Array.from({ length: 200 }, (_, index) =>
      recordingBody({
        ...unique("many"),
        video_url: "http://127.0.0.1:1/x",
        t: index,
        ...(index % 10 === 9 ? { file_size: 5 } : {}),
      }),
    );
    await Promise.all(bodies.map((body) => stage.accept(body)));
    await stage.settled(200);
    const recording = await stage.recording("many", () => true);
    const outcomes = await stage.outcomes();
    expect(recording.callbackCount).toBe(200);
    expect(outcomes.recorded).toBe(1);
    expect((outcomes.duplicate ?? 0) + (outcomes.conflict ?? 0)).toBe(199);
    expect(recording.conflictCount).toBe(outcomes.conflict);
    expect([180, 20]).toContain(outcomes.conflict);
  });
});

describe("a stop", () => {
  it("hands a slow look over to the next worker", async () => {
    await using stage = await setTheStage();
    await using origin = await startMediaOrigin({ root: SAMPLES });
    origin.setFault("/sample.mp4", { kind: "no-answer" }, { times: 1 });
    const worker = await stage.startWorker({ SHUTDOWN_GRACE_MS: "11000" });
    await stage.accept(
      recordingBody({
        ...unique("slow"),
        file_format: "mp4",
        video_url: `${origin.url}/sample.mp4`,
      }),
    );
    await until(() => origin.requests.length > 0);
    await worker[Symbol.asyncDispose]();
    await stage.startWorker();
    expect(await stage.recording("slow", ({ state }) => state !== "pending")).toMatchObject({
      state: "indexed",
      failure: null,
    });
  });
});
