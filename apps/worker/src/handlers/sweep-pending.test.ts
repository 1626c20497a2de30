import type { MediaJob } from "@reelgate/shared/contract/jobs";
import { describe, expect, it } from "vitest";
import { fakeClock, recordedEvents } from "../../test/fake-ports.ts";
import { sweepPending } from "./sweep-pending.ts";

describe("the sweep of pending recordings", () => {
  it("queues every one of them, page by page, and none younger than a minute", async () => {
    const pending = Array.from({ length: 1203 }, (_, index): MediaJob => ({
      recordingId: String(index + 1),
      generation: 0,
    }));
    const queued: string[] = [];
    const bounds = new Set<string>();
    const swept = await sweepPending(
      {
        catalogue: {
          target: () => Promise.resolve(null),
          report: () => Promise.resolve(false),
          failure: () => Promise.resolve(false),
          pendingJobs: ({ afterId, limit, receivedBefore }) => {
            bounds.add(receivedBefore);
            return Promise.resolve(
              pending.filter((job) => Number(job.recordingId) > Number(afterId)).slice(0, limit),
            );
          },
        },
        mediaQueue: {
          enqueue: (job) => {
            queued.push(job.recordingId);
            return Promise.resolve();
          },
        },
        turn: { take: () => Promise.resolve(true) },
        clock: fakeClock(3_600_000).clock,
        events: recordedEvents().events,
      },
      new AbortController().signal,
    );
    expect(swept).toBe(1203);
    expect(queued).toEqual(pending.map((job) => job.recordingId));
    expect([...bounds]).toEqual(["1970-01-01T00:59:00.000Z"]);
  });

  it("is left to the worker whose turn it is", async () => {
    const notAsked = () => Promise.reject(new Error("must not be asked"));
    const swept = await sweepPending(
      {
        catalogue: { target: notAsked, report: notAsked, failure: notAsked, pendingJobs: notAsked },
        mediaQueue: { enqueue: notAsked },
        turn: { take: () => Promise.resolve(false) },
        clock: fakeClock().clock,
        events: recordedEvents().events,
      },
      new AbortController().signal,
    );
    expect(swept).toBe(0);
  });
});
