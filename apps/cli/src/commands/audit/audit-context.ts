import { createProgress } from "@reelgate/shared/progress";
import type { CommandIo } from "../../command-io.ts";
import type { AuditCatalogue, Jobs } from "../../ports.ts";
import type { ViolationReport } from "./violations.ts";

/** What every check of an audit works with. */
export interface AuditContext {
  catalogue: AuditCatalogue;
  jobs: Jobs;
  report: ViolationReport;
  io: CommandIo;
  /** From this age on a callback without an outcome counts as stuck. */
  stuckAfterMs: number;
}

/** Runs one check under a progress bar of its own, then prints what it found. */
export async function withProgress<T>(
  context: AuditContext,
  what: string,
  total: number,
  check: (update: (done: number) => void) => Promise<T>,
): Promise<T> {
  const progress = createProgress(context.io.progress);
  progress.start(what, total);
  try {
    return await check((done) => {
      context.io.signal.throwIfAborted();
      progress.update(done);
    });
  } finally {
    progress.stop();
    await context.report.flush();
  }
}
