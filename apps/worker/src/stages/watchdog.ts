import type { Clock } from "../ports.ts";

/** What the watchdog sees of one stage. */
export interface WatchedStage {
  name: string;
  /** Runs of jobs that this process has begun, ever, and those that have not ended. */
  activity: () => { begun: number; inHand: number };
  /**
   * Jobs that a worker could take up at this moment: neither delayed nor in a paused queue. Rejects when Redis does not
   * answer, or takes no writes, without which no job can be taken up.
   */
  ready: () => Promise<number>;
}

export interface WatchdogDeps {
  stages: readonly WatchedStage[];
  clock: Pick<Clock, "sleep">;
  /** Rejects while Postgres does not answer: then a worker rightly takes nothing up. */
  pingCatalogue: () => Promise<unknown>;
  stuckAfterMs: number;
}

/** Looks that must agree. Counted, and not timed: a process that was suspended finds much time gone and has seen nothing. */
const LOOKS = 12;

/**
 * Watches for a worker that takes no jobs although there are some. BullMQ has hung so, with a blocking read that nothing
 * ends (https://github.com/taskforcesh/bullmq/issues/4138, https://github.com/taskforcesh/bullmq/issues/3088), and nothing
 * but a new process heals it.
 *
 * Stuck is who, at every look for `stuckAfterMs`, has found jobs ready, has none in hand, and has begun none. That other
 * replicas work does not excuse it: an idle worker asks for jobs at least every ten seconds, whatever wakes it, so in a
 * minute with jobs ready at every look a sound one gets some; and a fleet whose members hang one by one would never be
 * without an active job until the last of them. Jobs of the whole queue that are active say less: those of a worker that
 * died stay active until they stall.
 *
 * A connection that goes silent is replaced after 30 s by itself: the watchdog must have more patience than that.
 *
 * @returns which stage is stuck, and since when; null when the signal aborts first.
 */
export async function watchStages(deps: WatchdogDeps, signal: AbortSignal): Promise<string | null> {
  const watched = deps.stages.map((stage) => ({ stage, looks: 0, begun: -1 }));
  for (;;) {
    try {
      await deps.clock.sleep(deps.stuckAfterMs / LOOKS, signal);
    } catch {
      return null;
    }
    for (const one of watched) {
      const ready = await one.stage.ready().catch(() => 0);
      const { begun, inHand } = one.stage.activity();
      const isIdle = ready > 0 && inHand === 0 && begun === one.begun;
      one.begun = begun;
      one.looks = isIdle ? one.looks + 1 : 0;
      if (one.looks < LOOKS) continue;
      const isCatalogueUp = await deps.pingCatalogue().then(
        () => true,
        () => false,
      );
      if (signal.aborted) return null;
      if (isCatalogueUp) {
        return `the stage ${one.stage.name} has taken none of ${ready} waiting jobs for ${deps.stuckAfterMs / 1000} s`;
      }
      one.looks = 0;
    }
  }
}
