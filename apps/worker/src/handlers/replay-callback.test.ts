import type { Replay } from "@reelgate/catalogue/replay";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import { AppError } from "@reelgate/shared/errors";
import { callbackJobOf, recordingBody } from "@reelgate/testkit/recording-body";
import { describe, expect, it } from "vitest";
import { fakeClock, recordedEvents } from "../../test/fake-ports.ts";
import { replayCallback } from "./replay-callback.ts";
import type { ReplayCallbackDeps } from "./replay-callback.ts";

const mediaJob: MediaJob = { recordingId: "7", generation: 0 };
const job = { ...callbackJobOf(recordingBody()), replay: true as const };
const running = new AbortController().signal;

function setUp(answers: (Replay | AppError)[]) {
  const queued: MediaJob[] = [];
  const { events, seen } = recordedEvents();
  const deps: ReplayCallbackDeps = {
    catalogue: {
      replay: () => {
        const answer = answers.shift();
        if (answer === undefined) throw new Error("replayed once too often");
        return answer instanceof AppError ? Promise.reject(answer) : Promise.resolve(answer);
      },
    },
    mediaQueue: {
      enqueue: (media) => {
        queued.push(media);
        return Promise.resolve();
      },
    },
    clock: fakeClock().clock,
    events,
  };
  return { deps, queued, seen };
}

describe("G2: replaying a callback", () => {
  it.each<[Replay, MediaJob[]]>([
    [{ kind: "changed", before: "invalid", outcome: "recorded", mediaJob }, [mediaJob]],
    [{ kind: "unchanged", outcome: "duplicate", mediaJob }, [mediaJob]],
    [{ kind: "unchanged", outcome: "invalid", mediaJob: null }, []],
    [{ kind: "unknown" }, []],
  ])("%j queues %j", async (replay, expected) => {
    const { deps, queued, seen } = setUp([replay]);
    expect(await replayCallback(deps, job, running)).toEqual(replay);
    expect(queued).toEqual(expected);
    expect(seen).toEqual(["callbackReplayed"]);
  });

  it("waits while Postgres is away", async () => {
    const { deps, seen } = setUp([new AppError("catalogue_unavailable"), { kind: "unknown" }]);
    await replayCallback(deps, job, running);
    expect(seen).toEqual(["catalogueAway", "callbackReplayed"]);
  });

  it("ends, with the outcome that is there, when Postgres refuses the new row", async () => {
    const { deps, queued } = setUp([new AppError("catalogue_rejected")]);
    expect(await replayCallback(deps, job, running)).toMatchObject({ kind: "refused" });
    expect(queued).toEqual([]);
  });
});
