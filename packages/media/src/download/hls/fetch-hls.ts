import { type FetchedSegment, findCutEnds } from "./find-cut-ends.ts";
import { nameFifty } from "../../hls/named-findings.ts";
import { createHash } from "node:crypto";
import { AppError } from "@reelgate/shared/errors";
import { SNIFF_BYTES } from "../../container/sniff.ts";
import type { PartState } from "../../hls/check-segments.ts";
import { startTurns } from "../../concurrency/event-loop-turns.ts";
import { locatePlaylists } from "../../hls/locate-playlists.ts";
import { segmentFindings } from "../../hls/segment-findings.ts";
import { createSegmentKeys } from "../../hls/segment-keys.ts";
import type { SegmentPart } from "../../hls/segment-plan.ts";
import { ENDS_EARLY } from "../../hls/segment-problems.ts";
import type { DownloadTask } from "../download-task.ts";
import type { FetchedCopy } from "../fetched-copy.ts";
import { PLAYLIST_NAME } from "../../storage/copy-place.ts";
import { copyFolderIn, sealCopyFolder } from "./copy-folder.ts";
import { completeReport } from "./copy-report.ts";
import { fetchParts } from "./fetch-parts.ts";
import { forgetHlsRecords, readHlsRecords, startHlsJournal } from "./hls-journal.ts";
import { keepGoodFiles } from "./kept-files.ts";
import { keepKeys } from "./keep-keys.ts";
import { type LocalFiles, planLocalFiles } from "./local-files.ts";
import { localPlaylist } from "./local-playlist.ts";
import { retryingClient } from "./retrying-client.ts";
import { refuseSeparateRenditions } from "./separate-renditions.ts";

/**
 * Fetches an HLS recording into the staging folder: of a master playlist the variant of the highest bandwidth, as
 * `indexHls` chooses it. Segments, init sections and keys are kept as they are served, encrypted ones stay encrypted.
 * Each distinct address and byte range is a file of its own: eight can be under way at once, each is verified and
 * resumed for itself, and bytes between the ranges are not fetched.
 *
 * What an earlier run left is kept when the playlist is still the same but for the queries of its addresses, which may
 * be signed anew for each request; then a validator decides over each file. Any other change begins again from nothing.
 *
 * @returns a copy that may lack parts: then `complete` adds findings that name each.
 * @throws AppError of the media codes when the origin does not give the recording or it cannot be copied; errors of the
 *   disk as they come; the reason of the signal.
 */
export async function fetchHls(task: DownloadTask): Promise<FetchedCopy> {
  const { staging, signal } = task;
  const client = retryingClient(task);
  const first = await client.readPrefix(task.url, SNIFF_BYTES, signal);
  const located = await locatePlaylists(client, task.url, first, signal);
  refuseSeparateRenditions(client, located);
  const { playlist, base, variants } = located;
  const local = await planLocalFiles(client, playlist, base, signal);
  const nameWith = (nameOfStem: (stem: string) => string | undefined) => (start: number) =>
    local.keyNames.get(start) ?? nameOfStem(local.stems.get(start) ?? "") ?? null;

  const draft = await localPlaylist(playlist.text, nameWith(asItIs), signal);
  const fingerprint = await fingerprintOf(draft, local, signal);
  const found = await readHlsRecords(staging, fingerprint, signal);
  const folder = copyFolderIn(staging.folder);
  const kept = await keepGoodFiles(client, found, local.parts, folder, signal);
  const { done, begun } = kept.records;
  await folder.prepare({
    files: new Set(Array.from(done.values(), ({ name }) => name)),
    parts: new Set(begun.keys()),
  });
  await using journal = await startHlsJournal(staging, fingerprint, kept.records, signal);
  const keys = createSegmentKeys(client, base);
  const keyFiles = await keepKeys(keys, local.keys, folder, signal);
  const { files, faults } = await fetchParts(
    { task, folder, journal, keys, kept, otherFiles: keyFiles.length },
    local.parts,
  ).catch(async (error: unknown) => {
    if (error instanceof AppError && error.code === "media_changed") {
      await forgetHlsRecords(staging);
    }
    throw error;
  });
  const nameOf = nameWith((stem) => files.get(stem)?.name ?? stem);
  const media = local.parts.flatMap(({ stem }) => files.get(stem) ?? []);
  const text = await localPlaylist(playlist.text, nameOf, signal);
  const copy = await sealCopyFolder(folder, [...media, ...keyFiles], text, signal);
  const cut = await findCutEnds(
    local.parts.flatMap(({ part, stem }): FetchedSegment[] => {
      const file = faults.has(stem) ? undefined : files.get(stem);
      return part.keys.length === 0 && file?.name.endsWith(".ts") === true
        ? [{ part, path: folder.filePath(file.name), sizeBytes: file.sizeBytes }]
        : [];
    }),
    signal,
  );
  const findings = [
    ...nameFifty(keys.findings(), 0, "keys are missing"),
    ...segmentFindings([
      ...local.parts.flatMap(({ stem }): PartState[] => toList(faults.get(stem))),
      ...cut.map(cutState),
    ]),
  ];
  return {
    copy,
    entry: folder.filePath(PLAYLIST_NAME),
    complete: (report) => completeReport(report, { findings, variants }),
  };
}

function cutState(part: SegmentPart): PartState {
  return {
    kind: "present",
    part,
    fileSizeBytes: null,
    format: "mpegts",
    unseen: null,
    head: null,
    cipher: null,
    problem: ENDS_EARLY,
  };
}

/** Of all that makes two playlists the same recording: everything but the queries of its addresses. */
async function fingerprintOf(
  draft: string,
  { parts }: LocalFiles,
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash("sha256").update(draft);
  const turns = startTurns(signal);
  for (const { stem, part } of parts) {
    if (turns.isOver()) {
      await turns.next();
    }
    const { offset, length } = part.byteRange ?? { offset: 0, length: 0 };
    hash.update(`\n${stem} ${offset}+${length} ${part.file.url.split("?", 1)[0]}`);
  }
  return hash.digest("hex");
}

function asItIs(stem: string): string {
  return stem;
}

function toList<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}
