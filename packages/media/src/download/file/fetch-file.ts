import { AppError } from "@reelgate/shared/errors";
import { describeUrl } from "../../http/describe-url.ts";
import {
  type FileVersion,
  ifRangeValidator,
  isSameVersion,
  provesVersion,
  versionOf,
} from "../../http/file-version.ts";
import type { MediaResponse } from "../../http/media-response.ts";
import type { StagedCopy } from "../../storage/storage.ts";
import { addressHash, journalUrl } from "../address.ts";
import type { DownloadTask } from "../download-task.ts";
import { waitAfterFailure } from "../retry-schedule.ts";
import { currentBootId } from "../staging/process-identity.ts";
import { stagedPath } from "../staging/seal.ts";
import { writeJournal } from "./file-journal.ts";
import { type KeptPart, keptPart } from "./kept-part.ts";
import { openPartFile, type PartFile } from "./part-file.ts";
import { checkBudget, checkRoom } from "./room.ts";

/** Less than this is no progress: an origin could else keep a download going for ever, a byte at a time. */
const PROGRESS_BYTES = 65_536;
/** A file that is replaced more often than this within one download is not a recording that is done. */
const MAX_VERSIONS = 3;

/**
 * Fetches a single file into the staging folder, from where an earlier call or process stopped, and flushes it.
 *
 * All bytes belong to one version of the file. What is there is only added to when the origin proves by a validator
 * (strong ETag, else Last-Modified) that the rest belongs to it; in any other case the file begins again from zero.
 *
 * @param current What the origin said about the file just now.
 * @throws AppError of the media codes when the origin does not give the file, `media_changed` when it gave too many
 *   different ones, `media_budget_exceeded` above `maxBytes`, `storage_full`; errors of the disk as they come.
 */
export async function fetchFile(task: DownloadTask, current: FileVersion): Promise<StagedCopy> {
  const path = stagedPath(task.staging.folder, "file");
  const kept = await keptPart(task.url, current, task.staging, path);
  const download = await startDownload(task, path, kept);
  try {
    await download.run();
    const sha256 = await download.part.finish();
    return { kind: "file", path, sizeBytes: download.part.position, sha256 };
  } finally {
    await download.part.close();
  }
}

interface Download {
  readonly part: PartFile;
  /** Resolves when the part is the whole file. */
  run(): Promise<void>;
}

async function startDownload(task: DownloadTask, path: string, kept: KeptPart): Promise<Download> {
  const { client, url, staging, signal, maxBytes } = task;
  const where = describeUrl(url);
  const bootId = await currentBootId();
  let version: FileVersion | null = kept.version;
  /** The version that came last, be its bytes dropped or not. */
  let lastVersion: FileVersion | null = null;
  let versions = 0;
  /** How far the version at hand ever came. */
  let best = kept.bytes;
  const part = await openPartFile({ path, keptBytes: kept.bytes, signal, onSynced: note });

  async function note(syncedBytes: number): Promise<void> {
    if (version !== null) {
      await staging.assertOwned();
      await writeJournal(staging.folder, {
        url: journalUrl(url),
        addressHash: addressHash(url),
        version,
        bootId,
        syncedBytes,
      });
    }
  }

  function report(): void {
    task.onProgress({
      phase: "fetching",
      bytesDone: part.position,
      bytesTotal: version?.totalSizeBytes ?? null,
      filesDone: 0,
      filesTotal: 1,
    });
  }

  /** What is there belongs to a file that the origin does not have any more, or cannot be told from one. */
  async function restart(): Promise<void> {
    await part.restart();
    version = null;
  }

  async function run(): Promise<void> {
    report();
    let failures = 0;
    while (part.position === 0 || part.position !== version?.totalSizeBytes) {
      // Sequential by nature: each request begins where the one before ended.
      const outcome = await request().catch((error: unknown) => ({ error }));
      if (outcome === "whole") {
        return;
      }
      if (part.position >= best + PROGRESS_BYTES) {
        failures = 0;
        best = part.position;
      }
      failures += 1;
      if (outcome === "again" && failures === 1) {
        continue;
      }
      await waitAfterFailure(
        outcome === "again" ? unfinished() : outcome.error,
        failures,
        task.maxFailures,
        signal,
      );
    }
  }

  function unfinished(): AppError {
    return new AppError("media_bad_response", {
      message: `${where}: the origin sends parts that do not become a file.`,
    });
  }

  async function request(): Promise<"whole" | "again"> {
    const validator = version === null ? null : ifRangeValidator(version);
    if (validator === null && part.position > 0) {
      await restart();
    }
    const start = part.position;
    const response = await client.open(url, {
      ...(start === 0 || validator === null ? {} : { range: { start }, ifRange: validator }),
      totalTimeoutMs: null,
      lowSpeed: task.lowSpeed,
      isLong: true,
      signal,
    });
    try {
      switch (response.status) {
        case 200:
          await begin(versionOf(response));
          await take(response);
          return response.totalSizeBytes === null ? "whole" : progress();
        case 206:
          if (!(await goOn(versionOf(response)))) {
            return "again";
          }
          await take(response);
          return progress();
        case 416:
          return await beyondTheEnd(response.totalSizeBytes, start);
        default:
          return response.status satisfies never;
      }
    } finally {
      await response.close();
    }
  }

  /** An origin may send less than the rest at a time. */
  function progress(): "whole" | "again" {
    return part.position === version?.totalSizeBytes ? "whole" : "again";
  }

  async function begin(next: FileVersion): Promise<void> {
    // Only versions that contradict each other count: what begins again for lack of a validator is a failure like any.
    if (lastVersion === null || !isSameVersion(lastVersion, next)) {
      versions += 1;
      best = 0;
    }
    lastVersion = next;
    if (versions > MAX_VERSIONS) {
      throw new AppError("media_changed", {
        message: `${where} was replaced again and again while it was fetched.`,
      });
    }
    if (part.position > 0) {
      await restart();
    }
    version = next;
    await checkSize(next.totalSizeBytes);
    await note(0);
  }

  async function goOn(next: FileVersion): Promise<boolean> {
    if (version === null || !provesVersion(version, next)) {
      await restart();
      return false;
    }
    version = { ...version, totalSizeBytes: version.totalSizeBytes ?? next.totalSizeBytes };
    await checkSize(version.totalSizeBytes);
    return true;
  }

  async function beyondTheEnd(sizeBytes: number | null, start: number): Promise<"whole" | "again"> {
    if (start > 0 && sizeBytes === start && (version?.totalSizeBytes ?? start) === start) {
      return "whole";
    }
    await restart();
    return "again";
  }

  async function checkSize(totalSizeBytes: number | null): Promise<void> {
    if (totalSizeBytes !== null) {
      checkBudget(totalSizeBytes, maxBytes, where);
      await checkRoom(staging.folder, totalSizeBytes - part.position, where);
    }
  }

  async function take(response: MediaResponse): Promise<void> {
    try {
      for await (const chunk of response.body) {
        checkBudget(part.position + chunk.length, maxBytes, where);
        await part.append(chunk);
        report();
      }
    } finally {
      await part.settle();
    }
  }

  return { part, run };
}
