import { AppError } from "@reelgate/shared/errors";
import type { CommandIo, ExitCode } from "../command-io.ts";
import { OPEN_STATES } from "../ports.ts";
import type { Ports, QueueDepths, Queues } from "../ports.ts";
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
 * Callbacks are looked for twice: the queues are removed with all that is in them, and some may have come while the
 * operator was asked. By the second look the new number is noted, and no app that starts with the old one adds any.
 *
 * @throws AppError `usage` while callbacks wait for their outcome, or have failed, or an app is connected that would
 *   add some.
 */
export async function reshard(
  flags: ReshardFlags,
  ports: Pick<Ports, "queues">,
  io: CommandIo,
): Promise<ExitCode> {
  const queues = await ports.queues();
  const from = queues.shardCount;
  if (from !== flags.shards) {
    await requireSettled(queues);
    await requireAlone(queues);
    const question = `From ${countOf(from, "shard")} to ${flags.shards}: are all ingresses and workers stopped?`;
    if (!(await confirmed(question, flags.yes, io, { hasDryRun: false }))) return 0;
    await queues.noteShardCount(flags.shards);
    try {
      await requireAlone(queues);
      await requireSettled(queues);
    } catch (error) {
      await queues.noteShardCount(from);
      throw error;
    }
    await queues.removeAll();
  }
  await io.print(
    flags.json
      ? `${JSON.stringify({ from, to: flags.shards })}\n`
      : `The queues have ${countOf(flags.shards, "shard")}. Start every app with QUEUE_SHARDS=${flags.shards}.\n`,
  );
  return 0;
}

async function requireSettled(queues: Queues): Promise<void> {
  const unsettled = countIn(await queues.depths(), "callbacks", [...OPEN_STATES, "failed"]);
  if (unsettled === 0) return;
  throw new AppError("usage", {
    message: `${countOf(unsettled, "callback")} of the queue callbacks have no outcome yet. Stop the ingress, let the workers settle them, stop the workers, and try again.`,
  });
}

/** Where Redis does not tell who is connected, the operator's word has to do. */
async function requireAlone(queues: Queues): Promise<void> {
  const [app] = (await queues.connectedApps()) ?? [];
  if (app === undefined) return;
  throw new AppError("usage", {
    message: `${app === "ingress" ? "An" : "A"} ${app} is connected to this Redis. Stop every ingress and worker, and try again.`,
  });
}

function countIn(
  depths: readonly QueueDepths[],
  name: QueueDepths["name"],
  states: readonly (keyof QueueDepths["states"])[],
): number {
  const queue = depths.find((one) => one.name === name);
  return states.reduce((sum, state) => sum + (queue?.states[state].count ?? 0), 0);
}
