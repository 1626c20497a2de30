import { AppError } from "@reelgate/shared/errors";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import type { CallbackToSettle, Settlement } from "@reelgate/catalogue/settle";
import { callbackJobOf, recordingBody } from "@reelgate/testkit/recording-body";
import { describe, expect, it } from "vitest";
import { fakeClock, recordedEvents } from "../../test/fake-ports.ts";
import { settleCallback } from "./settle-callback.ts";

const settled: Settlement = {
  outcome: "recorded",
  recordingId: "7",
  repeated: false,
  mediaJob: { recordingId: "7", generation: 0 },
};

function setUp(answers: (Settlement | AppError)[]) {
  const asked: CallbackToSettle[] = [];
  const queued: MediaJob[] = [];
  const { clock, sleptMs } = fakeClock();
  const { events, seen } = recordedEvents();
  const deps = {
    catalogue: {
      settle: (callback: CallbackToSettle) => {
        asked.push(callback);
        const answer = answers.shift();
        if (answer === undefined) throw new Error("settled once too often");
        return answer instanceof AppError ? Promise.reject(answer) : Promise.resolve(answer);
      },
    },
    mediaQueue: {
      enqueue: (job: MediaJob) => {
        queued.push(job);
        return Promise.resolve();
      },
    },
    clock,
    events,
  };
  return { deps, asked, queued, sleptMs, seen };
}
const job = callbackJobOf(recordingBody());
const running = new AbortController().signal;

describe("G2: settling a callback", () => {
  it("queues the media job that the settlement names, also for a repeated callback", async () => {
    for (const repeated of [false, true]) {
      const { deps, queued } = setUp([{ ...settled, repeated }]);
      await settleCallback(deps, job, running);
      expect(queued).toEqual([{ recordingId: "7", generation: 0 }]);
    }
  });

  it("waits while Postgres is away, for as long as that lasts", async () => {
    const away = Array.from({ length: 40 }, () => new AppError("catalogue_unavailable"));
    const { deps, asked, sleptMs } = setUp([...away, settled]);
    expect(await settleCallback(deps, job, running)).toEqual(settled);
    expect(asked).toHaveLength(41);
    expect(Math.max(...sleptMs)).toBeLessThanOrEqual(3000);
  });

  it("stops waiting when the process stops, with nothing decided", async () => {
    const { deps, queued } = setUp([new AppError("catalogue_unavailable")]);
    await expect(
      settleCallback(deps, job, AbortSignal.abort(new Error("stopping"))),
    ).rejects.toThrow("stopping");
    expect(queued).toEqual([]);
  });

  it("settles as invalid, body kept, what Postgres refuses as a row", async () => {
    const { deps, asked, seen } = setUp([
      new AppError("catalogue_rejected", { message: "Postgres refused the row (SQLSTATE 22021)." }),
      { outcome: "invalid", recordingId: null, repeated: false, mediaJob: null },
    ]);
    await settleCallback(deps, job, running);
    expect(asked[1]).toMatchObject({
      body: job.body,
      verdict: {
        kind: "invalid",
        problems: [{ path: "", message: "Postgres refused the row (SQLSTATE 22021)." }],
      },
    });
    expect(seen).toContain("callbackUnstorable");
  });

  it("lets every other failure through, so that the job runs again", async () => {
    const { deps } = setUp([settled]);
    const enqueue = () => Promise.reject(new Error("Redis is away"));
    await expect(
      settleCallback({ ...deps, mediaQueue: { enqueue } }, job, running),
    ).rejects.toThrow("Redis is away");
  });
});
