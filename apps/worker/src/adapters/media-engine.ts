import type { AllowedHosts } from "@reelgate/media/guard/allowed-hosts";
import { createMediaClient } from "@reelgate/media/http/media-client";
import { indexMedia } from "@reelgate/media/index-media";
import type { MediaEngine } from "../ports.ts";

export interface GuardedMediaEngineOptions {
  allowedHosts: AllowedHosts;
  /** For one whole look, in milliseconds. */
  timeoutMs: number;
}

/** The media engine over one guarded client, whose connections all looks share. */
export function guardedMediaEngine(
  options: GuardedMediaEngineOptions,
): MediaEngine & AsyncDisposable {
  const client = createMediaClient({ allowedHosts: options.allowedHosts });
  return {
    process: async ({ videoUrl, declared }, { signal }) => ({
      kind: "indexed",
      report: await indexMedia(client, videoUrl, declared, {
        signal,
        totalTimeoutMs: options.timeoutMs,
      }),
    }),
    [Symbol.asyncDispose]: () => client.close(),
  };
}
