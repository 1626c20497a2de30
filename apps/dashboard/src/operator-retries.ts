import { Counter } from "prom-client";
import type { Registry } from "prom-client";
import type { BulkMediaQueue } from "@reelgate/shared/contract/jobs";
import type { Tracing } from "@reelgate/shared/tracing/tracing";

/** Everything that the dashboard queues is an operator's retry: it is counted, and begins a trace of its own. */
export function operatorRetries(
  queue: BulkMediaQueue,
  registry: Registry,
  tracing: Tracing,
): BulkMediaQueue {
  const retries = new Counter({
    name: "reelgate_operator_retries_total",
    help: "Recordings that an operator sent to a new look.",
    registers: [registry],
  });
  const enqueue: BulkMediaQueue["enqueue"] = async (job) => {
    retries.inc();
    await tracing.startTrace("retry recording", "internal", async (span) => {
      span.set({ "reelgate.recording.id": job.recordingId });
      await queue.enqueue(job);
    });
  };
  return {
    enqueue,
    async enqueueAll(jobs) {
      const [only] = jobs;
      if (only !== undefined && jobs.length === 1) {
        await enqueue(only);
        return;
      }
      retries.inc(jobs.length);
      await tracing.startTrace("retry recordings", "internal", async (span) => {
        span.set({ "reelgate.recordings.count": jobs.length });
        await queue.enqueueAll(jobs);
      });
    },
  };
}
