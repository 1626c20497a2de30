import { AppError } from "@reelgate/shared/errors";
import type { Clock, WorkerEvents } from "../ports.ts";

/** Fast enough that callbacks go on within seconds of Postgres' return, slow enough not to hinder that return. */
const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 3000;

/**
 * Does `work`, and while Postgres is away does it again until Postgres is back.
 *
 * The job stays in hand meanwhile (its lock is renewed) and the rest of the queue stays where it is. Giving the job
 * back to the queue instead would cycle the whole backlog through the delayed set for as long as the outage lasts.
 *
 * @throws the signal's reason when it aborts; every other error of `work` as it is.
 */
export async function whileCatalogueAway<T>(
  deps: { clock: Clock; events: Pick<WorkerEvents, "catalogueAway"> },
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "catalogue_unavailable") throw error;
      deps.events.catalogueAway(error);
      const delayMs = Math.min(FIRST_DELAY_MS * 2 ** attempt, MAX_DELAY_MS);
      await deps.clock.sleep(delayMs * (0.5 + deps.clock.random() / 2), signal);
    }
  }
}
