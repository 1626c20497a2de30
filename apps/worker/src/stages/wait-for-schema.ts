import { AppError } from "@reelgate/shared/errors";
import { whileCatalogueAway } from "../handlers/while-catalogue-away.ts";
import type { Clock, WorkerEvents } from "../ports.ts";

export interface WaitForSchemaDeps {
  clock: Clock;
  events: Pick<WorkerEvents, "catalogueAway">;
  /** Throws AppError `catalogue_unavailable` while Postgres is away, `schema_outdated` before migrations ran. */
  check: () => Promise<void>;
}

const POLL_MS = 1000;
const MAX_POLLS = 60;

/**
 * Waits for Postgres, and up to a minute for its migrations: in a rollout the workers may start before the migrate step
 * is through.
 *
 * @throws AppError `schema_outdated` when they have not come by then, `catalogue_refused` at once.
 */
export async function waitForSchema(deps: WaitForSchemaDeps, signal: AbortSignal): Promise<void> {
  for (let poll = 1; ; poll++) {
    try {
      await whileCatalogueAway(deps, signal, deps.check);
      return;
    } catch (error) {
      const outdated = error instanceof AppError && error.code === "schema_outdated";
      if (!outdated || poll >= MAX_POLLS) throw error;
      await deps.clock.sleep(POLL_MS, signal);
    }
  }
}
