import { stat } from "node:fs/promises";
import { AppError } from "@reelgate/shared/errors";
import {
  type Container,
  FINDING_SEVERITIES,
  type MediaReport,
} from "@reelgate/shared/contract/media";
import type { StoredCopy } from "@reelgate/shared/contract/recording";
import { SNIFF_BYTES } from "../container/sniff.ts";
import { sniffFile } from "../container/sniff-file.ts";
import { readFilePart } from "../hls/read-part.ts";
import { describeUrl } from "../http/describe-url.ts";
import { type FileVersion, versionOf } from "../http/file-version.ts";
import type { MediaClient } from "../http/media-client.ts";
import type { Declared } from "../report/compare-declared.ts";
import { copyExtension } from "../storage/object-name.ts";
import type { StagedCopy, Storage } from "../storage/storage.ts";
import { onDisk } from "../storage/storage-errors.ts";
import type { OnProgress } from "./download-progress.ts";
import type { DownloadTask } from "./download-task.ts";
import { limitDuration } from "./duration-limit.ts";
import type { FetchedCopy } from "./fetched-copy.ts";
import { fetchFile } from "./file/fetch-file.ts";
import { PLAYLIST_NAME } from "../storage/copy-place.ts";
import { fetchHls } from "./hls/fetch-hls.ts";
import { linkSignals } from "../concurrency/linked-signal.ts";
import { waitAfterFailure } from "./retry-schedule.ts";
import { openStaging } from "./staging/open-staging.ts";
import { breakSeal, readSeal, type SealedCopy, writeSeal } from "./staging/seal.ts";
import { type VerifyCopy, verifyStaged } from "./verify-staged.ts";

export interface DownloadOptions {
  /** Decides whether a staged copy may be published. Default `verifyStaged`: a look at all of it. */
  verify?: VerifyCopy;
  /** All files of the copy together. Default: no bound but the disk. */
  maxBytes?: number;
  /** How often a file is asked for again in a row when nothing of it came. Default 5. */
  maxFailures?: number;
  /** Slower than this over the window counts as stalled. Default 1024. */
  lowSpeedBytesPerS?: number;
  /** Default 30,000. */
  lowSpeedWindowMs?: number;
  /**
   * For fetching, all in all; then `media_timeout`, and a later call goes on from there. Default: what 64 KiB per second
   * need for its size, and ten minutes; of unknown size at least an hour.
   */
  maxDurationMs?: number;
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

/**
 * `broken`: part of the recording is gone or damaged, as the report says, and nothing was stored. What was fetched is
 * kept in the staging folder; `discardStaging` removes it when nobody will try again.
 */
export type DownloadResult =
  | { kind: "stored"; report: MediaReport; stored: StoredCopy }
  | { kind: "broken"; report: MediaReport };

/**
 * Makes a verified copy of a recording: fetches it into a staging folder on a local disk, looks at it there, and
 * publishes it only when nothing is broken (guarantee G4). What is fetched when the process dies, or when the origin or
 * the storage fails, is kept, and a later call for the same name goes on from there.
 *
 * @param url Untrusted; the client's guard decides over it.
 * @param name As `copyName` gives it; the extension is that of the container that the bytes show.
 * @throws AppError of the media codes when the origin does not give the recording, of the storage codes when the copy
 *   cannot be made or kept; the reason of `signal` when that aborts.
 */
export async function downloadMedia(
  client: MediaClient,
  url: string,
  declared: Declared,
  name: string,
  storage: Storage,
  options: DownloadOptions = {},
): Promise<DownloadResult> {
  const checked = client.check(url);
  options.signal?.throwIfAborted();
  return await onDisk(storage.stagingRoot, async () => {
    await using staging = await openStaging(storage.stagingRoot, name);
    const linked = linkSignals([options.signal, staging.signal]);
    const limit = limitDuration(options.maxDurationMs ?? null, describeUrl(checked), (error) =>
      linked.abort(error),
    );
    const task: DownloadTask = {
      client,
      url: checked,
      staging,
      signal: linked.signal,
      onProgress(progress): void {
        if (progress.phase === "fetching") {
          limit.update(progress);
        } else {
          limit.end();
        }
        options.onProgress?.(progress);
      },
      maxBytes: options.maxBytes ?? Number.MAX_SAFE_INTEGER,
      maxFailures: options.maxFailures ?? 5,
      lowSpeed: {
        bytesPerS: options.lowSpeedBytesPerS ?? 1024,
        windowMs: options.lowSpeedWindowMs ?? 30_000,
      },
    };
    try {
      const outcome = await makeCopy(task, declared, options.verify ?? verifyStaged);
      if (outcome.kind === "sealed") {
        const stored = await publish(task, outcome.sealed, name, storage).catch(
          async (error: unknown) => {
            await discardUnlessStaged(task, outcome.sealed);
            throw error;
          },
        );
        await staging.discard();
        return { kind: "stored", report: outcome.sealed.report, stored };
      }
      return outcome;
    } catch (error) {
      if (error instanceof AppError && !error.retryable) {
        await staging.discard();
      }
      throw error;
    } finally {
      limit.end();
      linked.end();
    }
  });
}

type Outcome = { kind: "sealed"; sealed: SealedCopy } | { kind: "broken"; report: MediaReport };

async function makeCopy(
  task: DownloadTask,
  declared: Declared,
  verify: VerifyCopy,
): Promise<Outcome> {
  const { staging, signal } = task;
  const purpose = { url: task.url, declared };
  const before = await readSeal(staging.folder, purpose);
  if (before !== null) {
    return { kind: "sealed", sealed: before };
  }
  await breakSeal(staging.folder);
  const { container, version } = await beginningOf(task);
  const { copy, entry, complete } = await fetchCopy(task, container, version);
  reportAll(task, "verifying", copy);
  const report = complete(await verify(entry, declared, signal));
  if (report.findings.some(({ kind }) => FINDING_SEVERITIES[kind] === "broken")) {
    // All bytes that the origin has came, and they are no recording. They are kept: while the origin has no others,
    // the next call fetches none again but those of broken segments.
    return { kind: "broken", report };
  }
  await staging.assertOwned();
  const sealed: SealedCopy = { container, copy, report };
  await writeSeal(staging.folder, purpose, sealed);
  return { kind: "sealed", sealed };
}

async function fetchCopy(
  task: DownloadTask,
  container: Container,
  version: FileVersion,
): Promise<FetchedCopy> {
  if (container === "hls") {
    return await fetchHls(task);
  }
  const copy = await fetchFile(task, version);
  return { copy, entry: copy.path, complete: (report) => report };
}

/** An empty file goes the way of a single file: looking at it says what is wrong. */
async function beginningOf(
  task: DownloadTask,
): Promise<{ container: Container; version: FileVersion }> {
  const { client, url, signal } = task;
  const readAt = async (offset: number, length: number): Promise<Uint8Array> =>
    (await readFilePart(client, url.href, offset, length, signal)).bytes ?? new Uint8Array();
  for (let failures = 1; ; failures += 1) {
    try {
      const prefix = await client.readPrefix(url, SNIFF_BYTES, signal);
      const { bytes, finalUrl } = prefix;
      const sniffed = bytes.length === 0 ? EMPTY : await sniffFile(bytes, readAt);
      if (sniffed.container === "unknown") {
        throw new AppError("media_not_media", {
          message: `${describeUrl(finalUrl)} is ${sniffed.description}, not a recording.`,
        });
      }
      return { container: sniffed.container, version: versionOf(prefix) };
    } catch (error) {
      await waitAfterFailure(error, failures, task.maxFailures, signal);
    }
  }
}

const EMPTY: { container: Container } = { container: "mp4" };

async function publish(
  task: DownloadTask,
  { container, copy }: SealedCopy,
  name: string,
  storage: Storage,
): Promise<StoredCopy> {
  const { staging, signal } = task;
  await staging.assertOwned();
  const filesTotal = copy.kind === "file" ? 1 : copy.files.length;
  const onProgress = (bytesDone: number, filesDone: number): void =>
    task.onProgress({
      phase: "storing",
      bytesDone,
      bytesTotal: copy.sizeBytes,
      filesDone,
      filesTotal,
    });
  onProgress(0, 0);
  const { url } = await storage.publish(copy, name + copyExtension(container), {
    signal,
    onProgress,
  });
  return {
    // What a player is given: of a folder, the playlist in it.
    url: copy.kind === "file" ? url : `${url}/${PLAYLIST_NAME}`,
    sizeBytes: copy.sizeBytes,
    sha256: copy.sha256,
    files: filesTotal,
  };
}

/** Without its files a seal leads nowhere: the next try begins anew. */
async function discardUnlessStaged({ staging }: DownloadTask, { copy }: SealedCopy): Promise<void> {
  if ((await stat(copy.path).catch(() => null)) === null) {
    await staging.discard();
  }
}

function reportAll(task: DownloadTask, phase: "verifying", copy: StagedCopy): void {
  const files = copy.kind === "file" ? 1 : copy.files.length;
  task.onProgress({
    phase,
    bytesDone: copy.sizeBytes,
    bytesTotal: copy.sizeBytes,
    filesDone: files,
    filesTotal: files,
  });
}
