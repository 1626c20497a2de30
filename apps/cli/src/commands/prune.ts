import { QUEUES } from "@reelgate/shared/contract/jobs";
import { createProgress } from "@reelgate/shared/progress";
import type { CommandIo, ExitCode } from "../command-io.ts";
import type { Jobs, Ports, PruneCatalogue } from "../ports.ts";
import { countOf, secondText } from "../text/quantities.ts";
import { confirmed } from "./confirm.ts";

export interface PruneFlags {
  olderThanMs: number;
  batchSize: number;
  dryRun: boolean;
  yes: boolean;
  json: boolean;
}

interface PruneTally {
  callbacks: number;
  looks: number;
  jobs: number;
  /** Callbacks that are old enough and stay until their job has left Redis. */
  kept: number;
}

/**
 * Retention: removes old callbacks, looks and ended jobs, in small batches that each leave everything sound. Recordings
 * are never removed, nor what belongs to one that is pending, nor a callback whose job is still in Redis: an audit that
 * finds the job must find the outcome.
 */
export async function prune(
  flags: PruneFlags,
  ports: Pick<Ports, "pruneCatalogue" | "jobs">,
  io: CommandIo,
): Promise<ExitCode> {
  const beforeMs = Date.now() - flags.olderThanMs;
  const before = new Date(beforeMs).toISOString();
  const catalogue = await ports.pruneCatalogue();
  const jobs = await ports.jobs();
  const question = `Remove callbacks and looks from before ${secondText(before)}, for ever?`;
  if (!flags.dryRun && !(await confirmed(question, flags.yes, io))) return 0;
  const window = { before, batchSize: flags.batchSize };
  const isReal = !flags.dryRun;
  const tally: PruneTally = { callbacks: 0, looks: 0, jobs: 0, kept: 0 };
  // Jobs first: a callback can go once its job has.
  tally.jobs = isReal
    ? await removeEndedJobs(jobs, beforeMs, flags.batchSize, io)
    : await jobs.countEnded(beforeMs);
  await pruneCallbacks(catalogue, jobs, window, isReal, tally, io);
  tally.looks = isReal
    ? await removeLooks(catalogue, window, io)
    : await catalogue.countLooksBefore(before);
  await io.print(
    flags.json
      ? `${JSON.stringify({ dryRun: flags.dryRun, before, ...tally })}\n`
      : tallyText(tally, flags.dryRun),
  );
  return 0;
}

function tallyText({ callbacks, looks, jobs, kept }: PruneTally, isDryRun: boolean): string {
  const removed = `${countOf(callbacks, "callback")}, ${countOf(looks, "look")} and ${countOf(jobs, "ended job")}`;
  return [
    isDryRun ? `Would remove ${removed}.\n` : `Removed ${removed}.\n`,
    ...(kept === 0 || isDryRun
      ? []
      : [`Kept ${countOf(kept, "callback")} whose job is still in Redis.\n`]),
  ].join("");
}

async function removeEndedJobs(
  jobs: Jobs,
  beforeMs: number,
  batchSize: number,
  io: CommandIo,
): Promise<number> {
  let removed = 0;
  for (;;) {
    io.signal.throwIfAborted();
    const batch = await jobs.removeEnded(beforeMs, batchSize);
    removed += batch;
    if (batch < batchSize) return removed;
  }
}

async function pruneCallbacks(
  catalogue: PruneCatalogue,
  jobs: Jobs,
  window: { before: string; batchSize: number },
  isReal: boolean,
  tally: PruneTally,
  io: CommandIo,
): Promise<void> {
  const lastSeq = await catalogue.lastPrunableSeq(window.before);
  const progress = createProgress(io.progress);
  progress.start(isReal ? "Removing callbacks" : "Counting callbacks", Number(lastSeq));
  try {
    let afterSeq: string | null = "0";
    while (afterSeq !== null) {
      io.signal.throwIfAborted();
      const batch = await catalogue.prunableCallbacks(window, { afterSeq, lastSeq });
      const glances = await jobs.glance(QUEUES.callbacks, batch.ids);
      const ids = glances.filter(({ place }) => place === "gone").map(({ id }) => id);
      tally.kept += batch.ids.length - ids.length;
      tally.callbacks += isReal ? await catalogue.deleteCallbacks(ids, window.before) : ids.length;
      afterSeq = batch.nextAfterSeq;
      if (afterSeq !== null)
        progress.update(Number(afterSeq), countOf(tally.callbacks, "callback"));
    }
  } finally {
    progress.stop();
  }
}

async function removeLooks(
  catalogue: PruneCatalogue,
  window: { before: string; batchSize: number },
  io: CommandIo,
): Promise<number> {
  let removed = 0;
  for (;;) {
    io.signal.throwIfAborted();
    const batch = await catalogue.deleteLooks(window);
    removed += batch;
    if (batch < window.batchSize) return removed;
  }
}
