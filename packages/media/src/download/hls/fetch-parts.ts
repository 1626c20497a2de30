import { AppError } from "@reelgate/shared/errors";
import type { PartState } from "../../hls/check-segments.ts";
import type { SegmentFormat } from "../../hls/inspect-segment.ts";
import type { SegmentKeys } from "../../hls/segment-keys.ts";
import { describeUrl } from "../../http/describe-url.ts";
import { type FileVersion, isSameVersion } from "../../http/file-version.ts";
import type { StagedFile } from "../../storage/storage.ts";
import type { DownloadTask } from "../download-task.ts";
import { checkBudget } from "../file/room.ts";
import type { CopyFolder } from "./copy-folder.ts";
import { type FetchedPart, fetchPart } from "./fetch-part.ts";
import { type HlsJournal, type HlsRecords, originOf } from "./hls-journal.ts";
import type { LocalPart } from "./local-files.ts";
import { openPartSink } from "./part-sink.ts";
import { runLanes } from "../../concurrency/run-lanes.ts";

export interface PartsFetch {
  task: DownloadTask;
  folder: CopyFolder;
  journal: HlsJournal;
  keys: SegmentKeys;
  /** What an earlier run left, all of it good. */
  kept: { records: HlsRecords; partBytes: ReadonlyMap<string, number> };
  /** Keys, which are there already. */
  otherFiles: number;
}

export interface FetchedParts {
  /** By stem: every part that is whole and sound. */
  files: ReadonlyMap<string, StagedFile>;
  /** By stem: every other part. */
  faults: ReadonlyMap<string, PartState>;
}

/**
 * The client bounds the requests under way at each host, by default to eight. The lanes above that are those which put a
 * segment on the disk meanwhile: at 30 ms of latency, 500 segments take 2.65 s with twelve and 2.9 s with eight.
 */
const LANES = 12;
/** Over a line that cuts or changes answers now and then, a file is only called broken when it came so twice. */
const TRIES = 2;

/**
 * Fetches every part that is not there yet. A broken or missing one does not stop the others: whoever reads the findings
 * wants to know all of them.
 *
 * @throws AppError `media_changed` when ranges of one file are of different versions, `media_budget_exceeded`; else as
 *   `fetchPart` does.
 */
export async function fetchParts(
  fetch: PartsFetch,
  parts: readonly LocalPart[],
): Promise<FetchedParts> {
  const { task, folder, journal, keys, kept } = fetch;
  const files = new Map<string, StagedFile>();
  const faults = new Map<string, PartState>();
  const versions = new Map<string, FileVersion>();
  let bytesDone = 0;
  let skippedBytes = 0;

  function report(): void {
    task.onProgress({
      phase: "fetching",
      bytesDone,
      bytesTotal: null,
      filesDone: files.size + fetch.otherFiles,
      filesTotal: parts.length + fetch.otherFiles,
    });
  }

  function onBytes(bytes: number): void {
    checkBudget(bytesDone + bytes, task.maxBytes, describeUrl(task.url));
    bytesDone += bytes;
    report();
  }

  function onSkipped(bytes: number): void {
    skippedBytes += bytes;
    checkBudget(bytesDone + skippedBytes, task.maxBytes, describeUrl(task.url));
  }

  /** All ranges of a file must be of one version; whole files stand for themselves. */
  function checkVersion({ part }: LocalPart, version: FileVersion): void {
    if (part.byteRange === null) {
      return;
    }
    const known = versions.get(part.file.url);
    if (known !== undefined && !isSameVersion(known, version)) {
      throw new AppError("media_changed", {
        message: `${describeUrl(new URL(part.file.url))} was replaced while its parts were fetched.`,
      });
    }
    versions.set(part.file.url, version);
  }

  async function fetchOne(local: LocalPart, signal: AbortSignal): Promise<void> {
    const { part, stem } = local;
    const url = new URL(part.file.url);
    const lock = await keys.lockOf(part, signal);
    const begun = kept.records.begun.get(stem) ?? null;
    const keptBytes = kept.partBytes.get(stem) ?? 0;
    await using sink = await openPartSink(folder.partPath(stem), keptBytes, lock);
    onBytes(sink.position - keptBytes);
    let version = begun?.version ?? null;
    let fetched: FetchedPart | null = null;
    for (let tries = 0; tries < TRIES && fetched?.state.problem !== null; tries += 1) {
      if (fetched !== null) {
        onBytes(-sink.position);
        await sink.restart();
        version = null;
      }
      fetched = await fetchPart({
        task,
        local,
        lock,
        sink,
        version,
        signal,
        onBytes,
        onSkipped,
        onVersion: async (next) => {
          checkVersion(local, next);
          await journal.begin(stem, originOf(url, part.byteRange, next));
        },
      });
    }
    if (fetched === null) {
      faults.set(stem, { kind: "missing", part, why: "the origin says that it is not there" });
      return;
    }
    const { state, sha256 } = fetched;
    if (state.problem !== null) {
      faults.set(stem, state);
      return;
    }
    const name = `${stem}.${extensionOf(local, state.format)}`;
    const file = { name, sizeBytes: sink.position, sha256 };
    // Before the step itself: a process that dies in between leaves a part that is whole, and nothing to fetch.
    await journal.finish(stem, { ...originOf(url, part.byteRange, fetched.version), ...file });
    await folder.complete(stem, name);
    files.set(stem, file);
    report();
  }

  const missing: LocalPart[] = [];
  for (const local of parts) {
    const { part, stem } = local;
    const done = kept.records.done.get(stem);
    const begun = kept.records.begun.get(stem);
    if (done !== undefined) {
      checkVersion(local, done.version);
      const { name, sizeBytes, sha256 } = done;
      files.set(stem, { name, sizeBytes, sha256 });
      bytesDone += sizeBytes;
    } else if (part.isGap) {
      faults.set(stem, { kind: "missing", part, why: "the playlist marks it as a gap" });
    } else {
      if (begun !== undefined) {
        checkVersion(local, begun.version);
        bytesDone += kept.partBytes.get(stem) ?? 0;
      }
      missing.push(local);
    }
  }
  checkBudget(bytesDone, task.maxBytes, describeUrl(task.url));
  report();
  await runLanes(missing, LANES, task.signal, fetchOne);
  return { files, faults };
}

/** By what the bytes show: players, too, go by the extension (ffmpeg, `extension_picky`), and addresses may lie. */
function extensionOf({ part }: LocalPart, format: SegmentFormat | null): string {
  switch (format) {
    case "mpegts":
      return "ts";
    case "fmp4":
      return part.kind === "init" ? "mp4" : "m4s";
    case "webvtt":
      return "vtt";
    case "aac":
    case "mp3":
    case "ac3":
      return format;
    case null:
      // Sealed: the key is not there, so the copy is not published.
      return "bin";
    default:
      return format satisfies never;
  }
}
