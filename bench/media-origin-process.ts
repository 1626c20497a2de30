import { fork } from "node:child_process";
import { once } from "node:events";
import { type MediaOriginOptions, startMediaOrigin } from "@reelgate/testkit/media-origin";

/** What the origin has counted so far. */
export interface OriginTotals {
  requests: number;
  sentBytes: number;
  connections: number;
}

/** An origin in a process of its own, so that it takes no time from what is measured. */
export interface OriginProcess extends AsyncDisposable {
  readonly url: string;
  totals(): Promise<OriginTotals>;
}

export async function startOriginProcess(options: MediaOriginOptions): Promise<OriginProcess> {
  const child = fork(import.meta.filename, [JSON.stringify(options)], {
    serialization: "advanced",
  });
  const [url] = (await once(child, "message")) as [string];
  return {
    url,
    async totals(): Promise<OriginTotals> {
      const answered = once(child, "message");
      child.send("totals");
      const [totals] = (await answered) as [OriginTotals];
      return totals;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    },
  };
}

async function serveParent(options: MediaOriginOptions): Promise<void> {
  const origin = await startMediaOrigin(options);
  process.on("message", () => {
    const { requests, sentBytes, connections } = origin;
    process.send?.({ requests: requests.length, sentBytes, connections } satisfies OriginTotals);
  });
  process.once("disconnect", () => {
    void origin[Symbol.asyncDispose]();
  });
  process.send?.(origin.url);
}

const [, started, options] = process.argv;
if (started === import.meta.filename && options !== undefined && process.send !== undefined) {
  await serveParent(JSON.parse(options) as MediaOriginOptions);
}
