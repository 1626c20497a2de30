import { brokenFindings, type MediaReport } from "@reelgate/shared/contract/media";
import { downloadMedia } from "@reelgate/media/download/download-media";
import { discardStaging, hasVerifiedCopy } from "@reelgate/media/download/staging/kept-copies";
import type { AllowedHosts } from "@reelgate/media/guard/allowed-hosts";
import type { SegmentSelection } from "@reelgate/media/hls/segment-plan";
import { countedClient } from "@reelgate/media/http/counted-client";
import { createMediaClient } from "@reelgate/media/http/media-client";
import { indexMedia } from "@reelgate/media/index-media";
import { copyName } from "@reelgate/media/storage/object-name";
import type { Storage } from "@reelgate/media/storage/storage";
import type { MediaTarget } from "@reelgate/catalogue/media-state";
import type { MediaEngine, MediaResult, MediaRun } from "../ports.ts";

/** Where copies are kept, and how large a recording may be to be copied. */
export interface Copies {
  storage: Storage;
  maxSizeBytes: number;
}

export interface GuardedMediaEngineOptions {
  allowedHosts: AllowedHosts;
  /** For one whole look, in milliseconds. */
  timeoutMs: number;
  segments: SegmentSelection;
  /** Requests to one host at a time. */
  hostConcurrency: number;
  /** Megabits per second of everything that is fetched; null for no bound. */
  maxMbps: number | null;
  /** Null: recordings are looked at where they are. */
  copies: Copies | null;
  /** Hears of every piece of a body that was read; called often. */
  onBytesFetched: (purpose: FetchPurpose, bytes: number) => void;
}

/** What bytes are fetched for: to look at a file, or to keep a copy of it. */
export type FetchPurpose = "look" | "download";

/** The media engine over one guarded client, whose connections, limits and bandwidth all jobs share. */
export function guardedMediaEngine(
  options: GuardedMediaEngineOptions,
): MediaEngine & AsyncDisposable {
  const { copies, maxMbps } = options;
  const client = createMediaClient({
    allowedHosts: options.allowedHosts,
    perHostConcurrency: options.hostConcurrency,
    ...(maxMbps === null ? {} : { maxBytesPerSecond: (maxMbps * 1_000_000) / 8 }),
  });
  const lookClient = countedClient(client, (bytes) => options.onBytesFetched("look", bytes));
  const downloadClient = countedClient(client, (bytes) =>
    options.onBytesFetched("download", bytes),
  );

  async function look(
    { videoUrl, declared }: MediaTarget,
    segments: SegmentSelection,
    signal: AbortSignal,
  ): Promise<MediaReport> {
    return await indexMedia(lookClient, videoUrl, declared, {
      segments,
      signal,
      totalTimeoutMs: options.timeoutMs,
    });
  }

  async function copy(
    target: MediaTarget,
    { storage, maxSizeBytes }: Copies,
    run: MediaRun,
  ): Promise<MediaResult> {
    const { videoUrl, declared } = target;
    const name = copyName(target.naming);
    // What is broken is waited for, and looked at every minute meanwhile: that must not fetch gigabytes each time. To
    // look at AAC is to fetch all of it, so there the copy itself is the look. A copy that waits for the storage alone
    // needs no look, and its address may have expired by now.
    const needsLook =
      declared.format !== "aac" &&
      !(await hasVerifiedCopy(storage.stagingRoot, name, videoUrl, declared));
    if (needsLook) {
      const report = await look(target, "sample", run.signal);
      if (brokenFindings(report.findings).length > 0) return { kind: "broken", report };
    }
    return await downloadMedia(downloadClient, videoUrl, declared, name, storage, {
      maxBytes: maxSizeBytes,
      signal: run.signal,
      onProgress: (figures) => run.progress({ ...figures }),
    });
  }

  return {
    process: async (target, run) =>
      copies === null
        ? { kind: "indexed", report: await look(target, options.segments, run.signal) }
        : await copy(target, copies, run),
    async discard({ naming }) {
      if (copies === null) return;
      // What cannot be removed now is swept later.
      await discardStaging(copies.storage.stagingRoot, copyName(naming)).catch(() => {});
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
