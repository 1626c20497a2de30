import { Counter, Gauge, Histogram } from "prom-client";
import type { Registry } from "prom-client";
import type { StageObserver } from "./stages/stage.ts";

const WAIT_BUCKETS_S = [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600];
const RUN_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800];

const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** Counts the transactions that settle callbacks, by how many they settle. */
export function settleBatches(registry: Registry): (callbacks: number) => void {
  const batch = new Histogram({
    name: "reelgate_callbacks_batch_callbacks",
    help: "Callbacks of one transaction of stage 1, which settles as many as are in hand together.",
    buckets: BATCH_BUCKETS,
    registers: [registry],
  });
  return (callbacks) => batch.observe(callbacks);
}

/** What every stage counts about its jobs, by the name of its queue. */
export function stageMetrics(registry: Registry): (stage: string) => StageObserver {
  const registers = [registry];
  const wait = new Histogram({
    name: "reelgate_stage_wait_seconds",
    help: "From the queueing of a job to the beginning of its first run.",
    labelNames: ["stage"],
    buckets: WAIT_BUCKETS_S,
    registers,
  });
  const run = new Histogram({
    name: "reelgate_stage_run_seconds",
    help: "Time of one run of a job, by how it ended: done, retry, failed, or undecided (it threw).",
    labelNames: ["stage", "end"],
    buckets: RUN_BUCKETS_S,
    registers,
  });
  const inHand = new Gauge({
    name: "reelgate_stage_jobs_in_hand",
    help: "Jobs that this worker is running.",
    labelNames: ["stage"],
    registers,
  });
  const stalled = new Counter({
    name: "reelgate_stage_jobs_stalled_total",
    help: "Jobs that were taken from a worker that gave no sign of life.",
    labelNames: ["stage"],
    registers,
  });
  return (stage) => {
    inHand.set({ stage }, 0);
    stalled.inc({ stage }, 0);
    return {
      started(waitMs) {
        inHand.inc({ stage });
        if (waitMs !== null) wait.observe({ stage }, Math.max(waitMs, 0) / 1000);
      },
      ended(end, runMs) {
        inHand.dec({ stage });
        run.observe({ stage, end }, runMs / 1000);
      },
      stalled() {
        stalled.inc({ stage });
      },
    };
  };
}
