import { expect, test } from "vitest";
import type { MediaJob } from "../contract/jobs.ts";
import { batchedMediaQueue } from "./batched-media-queue.ts";

const jobs = Array.from({ length: 100 }, (_, n): MediaJob => ({
  recordingId: String(n),
  generation: 0,
}));

test("calls of one turn share a bulk, and end when it is stored", async () => {
  const bulks: (readonly MediaJob[])[] = [];
  const stored = Promise.withResolvers<void>();
  const queue = batchedMediaQueue({
    enqueue: () => Promise.reject(new Error("must not be asked for one alone")),
    enqueueAll: (bulk) => {
      bulks.push(bulk);
      return stored.promise;
    },
  });
  let ended = 0;
  const all = Promise.all(
    jobs.map(async (job) => {
      await queue.enqueue(job);
      ended += 1;
    }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(bulks.flat()).toEqual(jobs);
  expect(bulks.map(({ length }) => length)).toEqual([64, 36]);
  expect(ended).toBe(0);
  stored.resolve();
  await all;
  expect(ended).toBe(jobs.length);
});

test("a bulk that fails is the failure of each of its calls, and is not tried again", async () => {
  let bulks = 0;
  const queue = batchedMediaQueue({
    enqueue: () => Promise.reject(new Error("must not be asked for one alone")),
    enqueueAll: () => {
      bulks += 1;
      return Promise.reject(new Error("Redis is away"));
    },
  });
  const ended = await Promise.allSettled(jobs.slice(0, 10).map((job) => queue.enqueue(job)));
  expect(ended.map(({ status }) => status)).toEqual(ended.map(() => "rejected"));
  expect(bulks).toBe(1);
});
