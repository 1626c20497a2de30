import type { Job } from "bullmq";
import { withinMs } from "@reelgate/shared/lifecycle";
import type { JobProgress } from "../stages/stage.ts";

/** Progress is for people, who read about one value a second; each costs Redis a write and an event. */
const INTERVAL_MS = 1000;

/** Writes how far a job is onto the job, where Bull Board shows it. */
export interface JobProgressWriter {
  report(value: JobProgress): void;
  /** Writes the last value if it is not there yet. Never fails, and never waits longer than a second. */
  flush(): Promise<void>;
}

/** A failed write is dropped: a job must not fail because nobody can see how far it is. */
export function createJobProgress(job: Pick<Job, "updateProgress">): JobProgressWriter {
  let newest: JobProgress | null = null;
  let writing: Promise<void> | null = null;
  let writtenAtMs = Number.NEGATIVE_INFINITY;

  function write(): void {
    const value = newest;
    if (value === null || writing !== null) return;
    newest = null;
    writtenAtMs = performance.now();
    writing = job
      .updateProgress(value)
      .catch(() => {})
      .finally(() => {
        writing = null;
      });
  }

  return {
    report(value) {
      newest = value;
      if (performance.now() - writtenAtMs >= INTERVAL_MS) write();
    },
    async flush() {
      if (newest === null && writing === null) return;
      const pending = async (): Promise<void> => {
        await writing;
        write();
        await writing;
      };
      await withinMs(pending(), INTERVAL_MS);
    },
  };
}
