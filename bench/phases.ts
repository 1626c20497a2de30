import { createProgress } from "@reelgate/shared/progress";

export type PhaseReport = (phase: string, done: number, total: number) => void;

/** Shows how far work of several phases is. */
export async function withPhases<T>(work: (report: PhaseReport) => Promise<T>): Promise<T> {
  const progress = createProgress(process.stdout);
  let shown: string | null = null;
  try {
    return await work((phase, done, total) => {
      if (phase !== shown) {
        progress.stop();
        progress.start(phase, total);
        shown = phase;
      }
      progress.update(done);
    });
  } finally {
    progress.stop();
  }
}
