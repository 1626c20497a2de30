import { QUEUES, QUEUE_PREFIX } from "./contract/jobs.ts";
import { QUEUE_LAYOUT_KEY, shardsOf } from "./contract/queue-shards.ts";
import { AppError } from "./errors.ts";
import type { RedisClient } from "./redis.ts";

/** Whether an app's QUEUE_SHARDS is the number that the queues of this Redis were made with. */
export type QueueLayout = { agrees: true } | { agrees: false; problem: string };

/** In which of BullMQ's keys jobs are that have not ended; Redis has no empty ones. */
const OPEN_KEYS = ["wait", "paused", "prioritized", "active", "delayed"] as const;

/**
 * Compares the number of shards with the one that Redis keeps, and notes it there when there is none. Two apps with
 * different numbers would put one callback into two queues, and leave queues that nobody works on.
 *
 * Queues that were in use before the number was kept have one shard.
 */
export async function confirmQueueLayout(
  client: RedisClient,
  shardCount: number,
): Promise<QueueLayout> {
  const kept = await readQueueLayout(client);
  if (kept !== null) return compared(kept, shardCount);
  await client.set(QUEUE_LAYOUT_KEY, String(shardCount), "NX");
  return compared((await readQueueLayout(client)) ?? shardCount, shardCount);
}

/** @throws AppError `queue_layout_differs` */
export async function requireQueueLayout(client: RedisClient, shardCount: number): Promise<void> {
  const layout = await confirmQueueLayout(client, shardCount);
  if (!layout.agrees) throw new AppError("queue_layout_differs", { message: layout.problem });
}

/**
 * For an app that may start before Redis: asks when there is a connection, until there is an answer.
 *
 * @param onProblem told once, when the numbers differ.
 */
export function watchQueueLayout(
  client: RedisClient,
  shardCount: number,
  onProblem: (problem: string) => void,
): { readonly problem: string | null } {
  const state = { problem: null as string | null };
  const ask = async (): Promise<void> => {
    try {
      const layout = await confirmQueueLayout(client, shardCount);
      client.off("ready", onReady);
      if (layout.agrees || state.problem !== null) return;
      state.problem = layout.problem;
      onProblem(layout.problem);
    } catch {
      // The connection is about to be lost; the next one asks again.
    }
  };
  const onReady = (): void => void ask();
  client.on("ready", onReady);
  if (client.status === "ready") onReady();
  return state;
}

/** The number of shards that the queues of this Redis were made with; null when nothing has been queued yet. */
export async function readQueueLayout(client: RedisClient): Promise<number | null> {
  const kept = await client.get(QUEUE_LAYOUT_KEY);
  if (kept !== null) return Number(kept);
  return (await hasUnsplitJobs(client)) ? 1 : null;
}

/** Notes another number, once the queues of the one before are empty. Whoever calls it has stopped every app. */
export async function writeQueueLayout(client: RedisClient, shardCount: number): Promise<void> {
  await client.set(QUEUE_LAYOUT_KEY, String(shardCount));
}

async function hasUnsplitJobs(client: RedisClient): Promise<boolean> {
  const keys = Object.values(QUEUES).flatMap((queue) =>
    shardsOf(queue, 1).flatMap(({ name }) =>
      OPEN_KEYS.map((key) => `${QUEUE_PREFIX}:${name}:${key}`),
    ),
  );
  // One by one: in a cluster they are in different slots.
  const found = await Promise.all(keys.map((key) => client.exists(key)));
  return found.some((count) => count > 0);
}

function compared(kept: number, given: number): QueueLayout {
  if (kept === given) return { agrees: true };
  return {
    agrees: false,
    problem: `QUEUE_SHARDS is ${given}, and the queues of this Redis were made with ${kept}. Set QUEUE_SHARDS=${kept} in every app; or, to have ${given}, stop ingress and worker once everything is settled and run \`reelgate reshard ${given}\`.`,
  };
}
