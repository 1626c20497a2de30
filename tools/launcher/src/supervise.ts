import { setTimeout as delay } from "node:timers/promises";
import { errorMessage } from "@reelgate/shared/errors";
import { describeExit } from "./servers/child-process.ts";
import type { ProcessExit } from "./servers/child-process.ts";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** A process that ran this long was well: the next failure begins with the shortest pause again. */
const HEALTHY_MS = 60_000;

export interface Supervisable {
  readonly exited: Promise<ProcessExit>;
  stop(): Promise<void>;
}

export interface SuperviseOptions<T extends Supervisable> {
  name: string;
  /** Starts the process; called again after each time that it ended by itself. */
  start: () => Promise<T>;
  /** One line for the terminal and the log. */
  report: (line: string) => void;
  /** Another time than {@link HEALTHY_MS}. */
  healthyMs?: number;
}

/** A process that is started again, with growing pauses, whenever it ends by itself. Disposing it stops it. */
export interface Supervised<T> extends AsyncDisposable {
  /** What runs now, or ran last. */
  current(): T;
}

/**
 * Starts a process and keeps it running.
 *
 * States: running → (ends) → pausing → starting → running; a failed start goes back to pausing. Disposing stops the
 * process in whichever state it is, and resolves when nothing of it is left.
 *
 * @throws whatever the first start throws: a system that does not come up the first time is not restarted.
 */
export async function supervise<T extends Supervisable>(
  options: SuperviseOptions<T>,
): Promise<Supervised<T>> {
  const { healthyMs = HEALTHY_MS } = options;
  const stopping = new AbortController();
  let current = await options.start();
  const keepRunning = async (): Promise<void> => {
    let pauseMs = FIRST_PAUSE_MS;
    let startedAtMs = Date.now();
    let failure = `ended with ${describeExit(await current.exited)}`;
    while (!stopping.signal.aborted) {
      if (Date.now() - startedAtMs > healthyMs) pauseMs = FIRST_PAUSE_MS;
      options.report(`${options.name} ${failure}; starting it again in ${pauseMs} ms`);
      await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      startedAtMs = Date.now();
      try {
        current = await options.start();
      } catch (error) {
        failure = `did not start (${errorMessage(error)})`;
        continue;
      }
      options.report(`${options.name} is running again`);
      // A stop that came while it was starting found the old process.
      if (stopping.signal.aborted) await current.stop();
      failure = `ended with ${describeExit(await current.exited)}`;
    }
  };
  const kept = keepRunning();
  return {
    current: () => current,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await current.stop();
      await kept;
    },
  };
}
