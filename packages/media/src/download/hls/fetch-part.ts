import { AppError } from "@reelgate/shared/errors";
import { checkHead } from "../../hls/check-head.ts";
import type { PartState } from "../../hls/check-segments.ts";
import { isNotThere } from "../../hls/read-part.ts";
import type { SegmentLock } from "../../hls/segment-keys.ts";
import { describeUrl } from "../../http/describe-url.ts";
import {
  type FileVersion,
  ifRangeValidator,
  provesVersion,
  versionOf,
} from "../../http/file-version.ts";
import type { MediaResponse } from "../../http/media-response.ts";
import type { DownloadTask } from "../download-task.ts";
import { waitAfterFailure } from "../retry-schedule.ts";
import type { LocalPart } from "./local-files.ts";
import type { PartSink } from "./part-sink.ts";

/** What fetching one part needs, and what it tells. */
export interface PartFetch {
  task: DownloadTask;
  local: LocalPart;
  lock: SegmentLock;
  sink: PartSink;
  /** Of the bytes that are in the sink; null for none. */
  version: FileVersion | null;
  signal: AbortSignal;
  /** Bytes were added (or, negative, dropped). Throws when there are too many. */
  onBytes: (bytes: number) => void;
  /** Bytes came in vain, in front of a range that the origin ignored. Throws when there are too many. */
  onSkipped: (bytes: number) => void;
  /** The first bytes of a version are about to be written. Throws when other parts of the file are of another one. */
  onVersion: (version: FileVersion) => Promise<void>;
}

export interface FetchedPart {
  state: Extract<PartState, { kind: "present" }>;
  sha256: string;
  version: FileVersion;
}

/** Less than this is no progress: an origin could else keep a download going for ever, a byte at a time. */
const PROGRESS_BYTES = 65_536;
/** What is read in vain to get to a byte range when the origin ignores ranges. */
const MAX_SKIPPED_BYTES = 1_048_576;
const UNKNOWN: FileVersion = { etag: null, lastModified: null, totalSizeBytes: null };

/**
 * Fetches a segment or an init section into its sink, from where that stands, and verifies it. What comes after a broken
 * connection is only added when the origin proves by a validator that it belongs to the same version.
 *
 * @returns null when the origin says that there is no such file.
 * @throws AppError of the media codes when the origin does not give the part, those of `onBytes` and `onVersion`; errors
 *   of the disk as they come; the reason of the signal.
 */
export async function fetchPart(fetch: PartFetch): Promise<FetchedPart | null> {
  const { task, local, lock, sink, signal } = fetch;
  const { client, lowSpeed } = task;
  const { file, byteRange } = local.part;
  const where = describeUrl(new URL(file.url));
  const offset = byteRange?.offset ?? 0;
  const wantedBytes = byteRange?.length ?? null;
  let { version } = fetch;
  let best = sink.position;

  /** Bytes that the part will have, as far as is known: of a range no more than the file has. */
  function expectedBytes(): number | null {
    const total = version?.totalSizeBytes ?? null;
    const rest = total === null ? null : Math.max(0, total - offset);
    return wantedBytes === null ? rest : Math.min(wantedBytes, rest ?? wantedBytes);
  }

  async function restart(): Promise<void> {
    fetch.onBytes(-sink.position);
    await sink.restart();
    version = null;
  }

  async function request(): Promise<"whole" | "again"> {
    const validator = version === null ? null : ifRangeValidator(version);
    if (validator === null && sink.position > 0) {
      await restart();
    }
    const start = offset + sink.position;
    const range = wantedBytes === null ? { start } : { start, end: offset + wantedBytes - 1 };
    const isPlain = byteRange === null && sink.position === 0;
    const response = await client.open(file.url, {
      ...(isPlain ? {} : { range }),
      ...(validator === null || sink.position === 0 ? {} : { ifRange: validator }),
      totalTimeoutMs: null,
      lowSpeed,
      signal,
    });
    try {
      return await takeAnswer(response);
    } finally {
      await response.close();
    }
  }

  async function takeAnswer(response: MediaResponse): Promise<"whole" | "again"> {
    const answered = versionOf(response);
    switch (response.status) {
      case 200:
        if (offset > MAX_SKIPPED_BYTES) {
          throw new AppError("media_bad_response", {
            message: `${where}: the origin ignores ranges, and the playlist is made of them.`,
          });
        }
        if (sink.position > 0) {
          await restart();
        }
        await begin(answered);
        await take(response, offset);
        if (answered.totalSizeBytes === null && sink.position !== wantedBytes) {
          // The end of the body tells what no header did.
          version = { ...answered, totalSizeBytes: offset + sink.position };
          return "whole";
        }
        return progress();
      case 206:
        if (sink.position === 0) {
          await begin(answered);
        } else if (version === null || !provesVersion(version, answered)) {
          await restart();
          return "again";
        }
        version = { ...answered, ...version, totalSizeBytes: totalOf(version, answered) };
        await take(response, 0);
        return progress();
      case 416:
        return await beyondTheEnd(response.totalSizeBytes);
      default:
        return response.status satisfies never;
    }
  }

  async function begin(answered: FileVersion): Promise<void> {
    await fetch.onVersion(answered);
    version = answered;
  }

  /** An origin may send less than what was asked for at a time. */
  function progress(): "whole" | "again" {
    return sink.position === expectedBytes() ? "whole" : "again";
  }

  async function beyondTheEnd(sizeBytes: number | null): Promise<"whole" | "again"> {
    const end = offset + sink.position;
    const total = version?.totalSizeBytes ?? sizeBytes;
    if (sink.position === 0 ? byteRange !== null : total === end && sizeBytes === end) {
      // A range beyond the end of a file: all that there is of it is here, be it nothing.
      version = { ...(version ?? UNKNOWN), totalSizeBytes: total ?? end };
      return "whole";
    }
    await restart();
    return "again";
  }

  async function take(response: MediaResponse, skippedBytes: number): Promise<void> {
    let toSkip = skippedBytes;
    for await (const chunk of response.body) {
      const end = wantedBytes === null ? chunk.length : toSkip + wantedBytes - sink.position;
      const bytes = chunk.subarray(toSkip, end);
      const skipped = Math.min(toSkip, chunk.length);
      toSkip -= skipped;
      fetch.onSkipped(skipped);
      fetch.onBytes(bytes.length);
      await sink.append(bytes);
      if (sink.position === wantedBytes && response.status === 200) {
        break;
      }
    }
  }

  async function fetchAll(): Promise<void> {
    for (let failures = 0; sink.position === 0 || sink.position !== expectedBytes();) {
      // Sequential by nature: each request begins where the one before ended.
      const outcome = await request().catch((error: unknown) => ({ error }));
      if (outcome === "whole") {
        return;
      }
      if (sink.position >= best + PROGRESS_BYTES) {
        failures = 0;
        best = sink.position;
      }
      failures += 1;
      if (outcome !== "again" || failures > 1) {
        const failure = outcome === "again" ? unfinished() : outcome.error;
        await waitAfterFailure(failure, failures, task.maxFailures, signal);
      }
    }
  }

  function unfinished(): AppError {
    return new AppError("media_bad_response", {
      message: `${where}: the origin sends parts that do not become a file.`,
    });
  }

  function judge(): FetchedPart {
    const { sha256, problem } = sink.finish();
    const fileSizeBytes =
      byteRange === null ? sink.position : (version?.totalSizeBytes ?? offset + sink.position);
    const head = checkHead(local.part, lock, sink.head(), fileSizeBytes);
    return {
      state: {
        kind: "present",
        part: local.part,
        fileSizeBytes,
        ...head,
        problem: head.problem ?? problem,
        head: null,
      },
      sha256,
      version: version ?? UNKNOWN,
    };
  }

  try {
    await fetchAll();
    await sink.settle();
  } catch (error) {
    if (isNotThere(error)) {
      return null;
    }
    throw error;
  }
  return judge();
}

function totalOf(version: FileVersion | null, answered: FileVersion): number | null {
  return version?.totalSizeBytes ?? answered.totalSizeBytes;
}
