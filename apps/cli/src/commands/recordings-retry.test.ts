import { PassThrough, Readable } from "node:stream";
import type { RetryRequest } from "@reelgate/catalogue/media-state";
import { AppError } from "@reelgate/shared/errors";
import { describe, expect, it } from "vitest";
import type { Catalogue, Queues } from "../ports.ts";
import { recordingsRetry } from "./recordings-retry.ts";

describe("a retry while Redis goes away", () => {
  it("stands, since the sweep queues what is pending, and says so", async () => {
    let out = "";
    const catalogue: Partial<Catalogue> = {
      requestRetry: (id): Promise<RetryRequest> =>
        Promise.resolve(
          id === "3"
            ? { kind: "not_possible", state: "pending" }
            : { kind: "accepted", job: { recordingId: id, generation: 1 } },
        ),
    };
    const queues: Partial<Queues> = {
      enqueueMedia: ({ recordingId }) =>
        recordingId === "1" ? Promise.resolve() : Promise.reject(new AppError("redis_unavailable")),
    };
    const code = await recordingsRetry(
      { ids: ["1", "2", "3"], filter: null, dryRun: false, yes: false, json: false },
      {
        catalogue: () => Promise.resolve(catalogue as Catalogue),
        queues: () => Promise.resolve(queues as Queues),
      },
      {
        print: (text) => {
          out += String(text);
          return Promise.resolve();
        },
        note: () => {},
        progress: new PassThrough().resume(),
        columns: null,
        confirm: null,
        stdin: Readable.from([]),
        signal: new AbortController().signal,
      },
    );
    expect(code).toBe(0);
    expect(out).toBe(
      "2 recordings will be looked at again.\n1 of them could not be queued; a worker's sweep does it within five minutes.\n1 recording waited for a look already.\n",
    );
  });
});
