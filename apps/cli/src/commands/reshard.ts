import { AppError } from "@reelgate/shared/errors";
import type { CommandIo, ExitCode } from "../command-io.ts";
import { OPEN_STATES } from "../ports.ts";
import type { Ports, QueueDepths } from "../ports.ts";
import { countOf } from "../text/quantities.ts";
import { confirmed } from "./confirm.ts";

export interface ReshardFlags {
  shards: number;
  yes: boolean;
  json: boolean;
}

/**
 * Gives the queues another number of shards, once every callback is settled. Media jobs are dropped: a worker's sweep
 * queues the recordings that are pending again.
 *
 * @throws AppError `usage` while callbacks wait for their outcome, or have failed.
 */
export async function reshard(
  flags: ReshardFlags,
  ports: Pick<Ports, "queues">,
  io: CommandIo,
): Promise<ExitCode> {
  const queues = await ports.queues();
  const from = queues.shardCount;
  if (from !== flags.shards) {
    const depths = await queues.depths();
    const unsettled = countIn(depths, "callbacks", [...OPEN_STATES, "failed"]);
    if (unsettled > 0) {
      throw new AppError("usage", {
        message: `${countOf(unsettled, "callback")} of the queue callbacks have no outcome yet. Stop the ingress, let the workers settle them, stop the workers, and try again.`,
      });
    }
    const question = `From ${countOf(from, "shard")} to ${flags.shards}: are all ingresses and workers stopped?`;
    if (!(await confirmed(question, flags.yes, io))) return 0;
    await queues.reshard(flags.shards);
  }
  await io.print(
    flags.json
      ? `${JSON.stringify({ from, to: flags.shards })}\n`
      : `The queues have ${countOf(flags.shards, "shard")}. Start every app with QUEUE_SHARDS=${flags.shards}.\n`,
  );
  return 0;
}

function countIn(
  depths: readonly QueueDepths[],
  name: QueueDepths["name"],
  states: readonly (keyof QueueDepths["states"])[],
): number {
  const queue = depths.find((one) => one.name === name);
  return states.reduce((sum, state) => sum + (queue?.states[state].count ?? 0), 0);
}
