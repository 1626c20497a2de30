import type { MediaReport } from "@reelgate/shared/contract/media";
import type { StoredCopy } from "@reelgate/shared/contract/recording";
import { AppError } from "@reelgate/shared/errors";
import type { MediaFailure, MediaTarget } from "@reelgate/catalogue/media-state";
import { describe, expect, it } from "vitest";
import { fakeClock, recordedEvents } from "../../test/fake-ports.ts";
import type { MediaResult } from "../ports.ts";
import { verifyMedia } from "./verify-media.ts";

const job = { recordingId: "7", generation: 2 };
const target: MediaTarget = {
  videoUrl: "http://origin.example/f0.mp4",
  naming: {
    app: "live.example",
    appname: "live",
    streamId: "stream",
    startedAt: "1970-01-01T00:00:00.000000Z",
    identity: "1:2",
  },
  declared: { format: "mp4", sizeBytes: 10, durationS: 1 },
  receivedAt: "1970-01-01T00:00:00.000000Z",
  attempts: 3,
  times: {
    endedAt: "1970-01-01T00:00:00.000000Z",
    receivedAt: "1970-01-01T00:00:00.000000Z",
    cataloguedAt: "1970-01-01T00:00:00.000000Z",
  },
};
const report: MediaReport = {
  media: {
    container: "mp4",
    durationS: null,
    durationIsExact: false,
    sizeBytes: 10,
    bitrateKbps: null,
    video: null,
    audio: null,
    hls: null,
  },
  findings: [],
};

const stored: StoredCopy = { url: "file:///a.mp4", sizeBytes: 10, sha256: "ab", files: 1 };
const brokenReport: MediaReport = {
  ...report,
  findings: Array.from({ length: 7 }, (_, index) => ({
    kind: "missing_segment",
    declared: null,
    actual: null,
    detail: `Segment ${index} is missing.`,
  })),
};
const indexed = (): Promise<MediaResult> => Promise.resolve({ kind: "indexed", report });

function setUp(
  process: () => Promise<MediaResult>,
  options: { target?: MediaTarget | null; nowMs?: number } = {},
) {
  const written: (MediaReport | MediaFailure | [MediaReport, StoredCopy])[] = [];
  const { clock } = fakeClock(options.nowMs);
  const { events, seen } = recordedEvents();
  const discarded: MediaTarget[] = [];
  const deps = {
    catalogue: {
      target: () => Promise.resolve(options.target === undefined ? target : options.target),
      report: (_job: unknown, found: MediaReport, copy: StoredCopy | null) =>
        Promise.resolve(written.push(copy === null ? found : [found, copy]) > 0),
      failure: (_job: unknown, failure: MediaFailure) => Promise.resolve(written.push(failure) > 0),
      pendingJobs: () => Promise.resolve([]),
    },
    engine: {
      process,
      discard: (given: MediaTarget) => Promise.resolve(void discarded.push(given)),
    },
    clock,
    events,
    limits: { maxAttempts: 5, notFoundGraceMs: 600_000 },
  };
  return { deps, written, seen, discarded };
}
const running = { signal: new AbortController().signal, crashes: 0, progress: () => {} };

describe("verifying the file of a recording", () => {
  it("writes what is there", async () => {
    const { deps, written } = setUp(indexed);
    expect(await verifyMedia(deps, job, running)).toEqual({ kind: "done" });
    expect(written).toEqual([report]);
  });

  it("writes where the copy is", async () => {
    const { deps, written } = setUp(() => Promise.resolve({ kind: "stored", report, stored }));
    expect(await verifyMedia(deps, job, running)).toEqual({ kind: "done" });
    expect(written).toEqual([[report, stored]]);
  });

  it("names what is broken, waits for it in the first minutes, and then fails with what was found", async () => {
    const broken = (): Promise<MediaResult> =>
      Promise.resolve({ kind: "broken", report: brokenReport });
    const early = setUp(broken, { nowMs: 599_000 });
    expect((await verifyMedia(early.deps, job, running)).kind).toBe("retry");
    expect(early.discarded).toEqual([]);
    expect(early.written).toMatchObject([
      { code: "media_incomplete", final: false, report: brokenReport },
    ]);
    const late = setUp(broken, { nowMs: 600_000 });
    expect((await verifyMedia(late.deps, job, running)).kind).toBe("failed");
    expect(late.written).toMatchObject([
      {
        final: true,
        message:
          "Segment 0 is missing. Segment 1 is missing. Segment 2 is missing. Segment 3 is missing. Segment 4 is missing. 2 more findings.",
      },
    ]);
  });

  it("does nothing for a job that is no longer wanted", async () => {
    const { deps, written, seen } = setUp(() => Promise.reject(new Error("must not look")), {
      target: null,
    });
    expect(await verifyMedia(deps, job, running)).toEqual({ kind: "done" });
    expect([written, seen]).toEqual([[], ["mediaObsolete"]]);
  });

  it("notes a failure that may heal, and comes back", async () => {
    const { deps, written } = setUp(() => Promise.reject(new AppError("media_timeout")));
    expect(await verifyMedia(deps, job, running)).toMatchObject({
      kind: "retry",
      error: { code: "media_timeout" },
    });
    expect(written).toEqual([
      {
        code: "media_timeout",
        message: "The origin was too slow.",
        attempts: 4,
        final: false,
        report: null,
        durationMs: 0,
      },
    ]);
  });

  it("makes the last attempt, and what cannot heal, final", async () => {
    const last = setUp(() => Promise.reject(new AppError("media_timeout")), {
      target: { ...target, attempts: 4 },
    });
    expect(await verifyMedia(last.deps, job, running)).toMatchObject({ kind: "failed" });
    expect(last.written).toMatchObject([{ attempts: 5, final: true }]);
    expect(last.discarded).toEqual([{ ...target, attempts: 4 }]);
    const forbidden = setUp(() => Promise.reject(new AppError("media_url_forbidden")));
    expect(await verifyMedia(forbidden.deps, job, running)).toMatchObject({ kind: "failed" });
  });

  it("waits for a missing file in the first minutes only", async () => {
    const look = () => Promise.reject(new AppError("media_not_found"));
    expect((await verifyMedia(setUp(look, { nowMs: 599_000 }).deps, job, running)).kind).toBe(
      "retry",
    );
    expect((await verifyMedia(setUp(look, { nowMs: 600_000 }).deps, job, running)).kind).toBe(
      "failed",
    );
  });

  it("decides nothing when the process stops in the middle", async () => {
    const stop = new AbortController();
    const { deps, written } = setUp(() => {
      stop.abort(new Error("stopping"));
      return Promise.reject(new AppError("media_timeout"));
    });
    await expect(verifyMedia(deps, job, { ...running, signal: stop.signal })).rejects.toThrow(
      "stopping",
    );
    expect(written).toEqual([]);
  });

  it("treats a defect as a failure of this attempt, not as a verdict on the file", async () => {
    const { deps, written } = setUp(() => Promise.reject(new TypeError("a defect")));
    expect((await verifyMedia(deps, job, running)).kind).toBe("retry");
    expect(written).toMatchObject([{ code: "internal", final: false }]);
  });

  it("does not look again at a file that ended five workers", async () => {
    const look = () => Promise.reject(new Error("must not look"));
    const { deps, written } = setUp(look);
    expect((await verifyMedia(deps, job, { ...running, crashes: 5 })).kind).toBe("failed");
    expect(written).toMatchObject([{ code: "media_look_crashed", final: true }]);
    const spared = setUp(indexed);
    expect((await verifyMedia(spared.deps, job, { ...running, crashes: 4 })).kind).toBe("done");
  });
});
