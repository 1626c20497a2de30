import type { RecordingFilter } from "@reelgate/catalogue/recordings";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import { AppError } from "@reelgate/shared/errors";
import { createProgress } from "@reelgate/shared/progress";
import type { CommandIo, ExitCode } from "../command-io.ts";
import type { Catalogue, Ports, Queues } from "../ports.ts";
import { countOf } from "../text/quantities.ts";
import { confirmed } from "./confirm.ts";
import { pagesOf } from "./list-pages.ts";

export interface RecordingsRetryFlags {
  /** These recordings, or those of the filter. */
  ids: readonly string[];
  /** Null when ids are given. */
  filter: RecordingFilter | null;
  dryRun: boolean;
  yes: boolean;
  json: boolean;
}

/** What came of it. `unqueued`: pending, and the sweep will queue it. */
interface RetryTally {
  retried: number;
  unqueued: number;
  /** Pending already: a look is on its way. */
  pending: number;
  notFound: string[];
}

const CONCURRENCY = 8;

/** Sends recordings back to pending, for a new look at their files, as the dashboard's retry does. */
export async function recordingsRetry(
  flags: RecordingsRetryFlags,
  ports: Pick<Ports, "catalogue" | "queues">,
  io: CommandIo,
): Promise<ExitCode> {
  const catalogue = await ports.catalogue();
  const count =
    flags.filter === null ? flags.ids.length : await countRetriable(catalogue, flags.filter, io);
  if (flags.dryRun) {
    await io.print(
      flags.json
        ? `${JSON.stringify({ dryRun: true, wouldRetry: count })}\n`
        : `${countOf(count, "recording")} would be looked at again.\n`,
    );
    return 0;
  }
  if (count === 0) {
    await io.print(
      flags.json ? `${JSON.stringify(report(emptyTally()))}\n` : "No recording to retry.\n",
    );
    return 0;
  }
  const isSure = flags.yes || flags.filter === null;
  if (!(await confirmed(`Look at ${countOf(count, "recording")} again?`, isSure, io))) return 0;
  const queues = await ports.queues();
  const tally = await retryAll(idPages(flags, catalogue, io), count, catalogue, queues, io);
  if (flags.json) await io.print(`${JSON.stringify(report(tally))}\n`);
  else await io.print(tallyText(tally));
  if (tally.notFound.length > 0) {
    throw new AppError("recording_not_found", {
      message: `No recording has the id ${tally.notFound.join(", ")}.`,
    });
  }
  return 0;
}

const emptyTally = (): RetryTally => ({ retried: 0, unqueued: 0, pending: 0, notFound: [] });

function report(tally: RetryTally): object {
  return { dryRun: false, ...tally };
}

function tallyText({ retried, unqueued, pending }: RetryTally): string {
  return [
    `${countOf(retried, "recording")} will be looked at again.\n`,
    ...(unqueued === 0
      ? []
      : [
          `${unqueued} of them could not be queued; a worker's sweep does it within five minutes.\n`,
        ]),
    ...(pending === 0 ? [] : [`${countOf(pending, "recording")} waited for a look already.\n`]),
  ].join("");
}

/** The filter's recordings that are not pending: only those can be retried. */
async function countRetriable(
  catalogue: Catalogue,
  filter: RecordingFilter,
  io: CommandIo,
): Promise<number> {
  let count = 0;
  for await (const page of pagesOf((at) => catalogue.listRecordings(filter, at), null, io.signal)) {
    count += page.filter(({ state }) => state !== "pending").length;
  }
  return count;
}

async function* idPages(
  { ids, filter }: RecordingsRetryFlags,
  catalogue: Catalogue,
  io: CommandIo,
): AsyncIterable<readonly string[]> {
  if (filter === null) {
    yield ids;
    return;
  }
  for await (const page of pagesOf((at) => catalogue.listRecordings(filter, at), null, io.signal)) {
    yield page.filter(({ state }) => state !== "pending").map(({ id }) => id);
  }
}

async function retryAll(
  pages: AsyncIterable<readonly string[]>,
  count: number,
  catalogue: Catalogue,
  queues: Queues,
  io: CommandIo,
): Promise<RetryTally> {
  const tally = emptyTally();
  const progress = createProgress(io.progress);
  progress.start("Retrying", count);
  let done = 0;
  try {
    for await (const ids of pages) {
      for (let start = 0; start < ids.length; start += CONCURRENCY) {
        io.signal.throwIfAborted();
        const some = ids.slice(start, start + CONCURRENCY);
        await Promise.all(some.map((id) => retryOne(id, tally, catalogue, queues)));
        done += some.length;
        progress.update(done);
      }
    }
  } finally {
    progress.stop();
  }
  return tally;
}

async function retryOne(
  id: string,
  tally: RetryTally,
  catalogue: Catalogue,
  queues: Queues,
): Promise<void> {
  const retry = await catalogue.requestRetry(id);
  switch (retry.kind) {
    case "accepted":
      tally.retried += 1;
      if (!(await isQueued(retry.job, queues))) tally.unqueued += 1;
      return;
    case "not_possible":
      tally.pending += 1;
      return;
    case "not_found":
      tally.notFound.push(id);
      return;
    default:
      retry satisfies never;
  }
}

/** The state decides, the job only hurries: the worker's sweep queues what is pending without a job. */
async function isQueued(job: MediaJob, queues: Queues): Promise<boolean> {
  try {
    await queues.enqueueMedia(job);
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === "redis_unavailable") return false;
    throw error;
  }
}
