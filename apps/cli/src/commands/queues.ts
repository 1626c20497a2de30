import { setTimeout as delay } from "node:timers/promises";
import type { CommandIo, ExitCode } from "../command-io.ts";
import { ENDED_STATES, OPEN_STATES } from "../ports.ts";
import type { Ports, QueueDepths } from "../ports.ts";
import { ageText, countText } from "../text/quantities.ts";
import { createTable } from "../text/table.ts";

export interface QueuesFlags {
  /** Milliseconds between two looks; null for one look. */
  watchMs: number | null;
  json: boolean;
}

/** Shows what waits in the queues, since when, and who works on it. */
export async function queues(
  flags: QueuesFlags,
  ports: Pick<Ports, "queues">,
  io: CommandIo,
): Promise<ExitCode> {
  const found = await ports.queues();
  for (;;) {
    const depths = await found.depths();
    await io.print(
      flags.json
        ? `${JSON.stringify({ at: new Date().toISOString(), queues: depths })}\n`
        : depthsText(depths, io.columns),
    );
    if (flags.watchMs === null) return 0;
    await delay(flags.watchMs, undefined, { signal: io.signal });
    if (!flags.json) await io.print("\n");
  }
}

function depthsText(depths: readonly QueueDepths[], width: number | null): string {
  const states = [...OPEN_STATES, ...ENDED_STATES];
  return createTable<QueueDepths>(
    [
      { title: "QUEUE", cell: ({ name, isPaused }) => (isPaused ? `${name} (paused)` : name) },
      { title: "WORKERS", cell: ({ workers }) => String(workers ?? "?"), right: true },
      ...states.map((state) => ({
        title: state.toUpperCase(),
        cell: (queue: QueueDepths): string => countText(queue.states[state].count),
        right: true,
      })),
      { title: "OLDEST", cell: oldestText, right: true },
    ],
    width,
  ).lines(depths);
}

/** Of what has not ended. */
function oldestText({ states }: QueueDepths): string {
  const ages = OPEN_STATES.flatMap((state) => states[state].oldestAgeMs ?? []);
  return ages.length === 0 ? "–" : ageText(Math.max(...ages));
}
