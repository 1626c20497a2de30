import type { Queue } from "bullmq";
import { bullmqMediaQueue } from "@reelgate/shared/adapters/bullmq-media-queue";
import { JOB_NAMES, QUEUES, REPLAY_PRIORITY, replayJobId } from "@reelgate/shared/contract/jobs";
import type { CallbackJob, MediaJob } from "@reelgate/shared/contract/jobs";
import { shardIndexOf } from "@reelgate/shared/contract/queue-shards";
import { writeQueueLayout } from "@reelgate/shared/queue-layout";
import { mastersOf } from "@reelgate/shared/redis";
import type { Redis, RedisClient } from "@reelgate/shared/redis";
import { shardedMediaQueue } from "@reelgate/shared/sharded-media-queue";
import { ENDED_STATES, OPEN_STATES } from "../ports.ts";
import type { QueueApp, QueueDepths, Queues } from "../ports.ts";
import { reached } from "./redis-connection.ts";

/** Each with all its shards, in their order. */
export interface ProductQueues {
  callbacks: readonly Queue<CallbackJob, void, string>[];
  media: readonly Queue<MediaJob, void, string>[];
}

export function bullmqQueues(redis: RedisClient, { callbacks, media }: ProductQueues): Queues {
  const mediaQueue = shardedMediaQueue(media.map(bullmqMediaQueue));
  return {
    shardCount: callbacks.length,
    depths: () =>
      reached(Promise.all([depthsOf(QUEUES.callbacks, callbacks), depthsOf(QUEUES.media, media)])),
    enqueueMedia: (job) => reached(mediaQueue.enqueue(job)),
    async enqueueReplay(callback) {
      const job: CallbackJob = {
        body: callback.body.toString("utf8"),
        receivedAtMs: callback.receivedAtMs,
        requestId: callback.requestId ?? "replay",
        remoteAddress: callback.remoteAddress,
        keyIndex: callback.keyIndex,
        replay: true,
      };
      const jobId = replayJobId(callback.id);
      const shard = callbacks[shardIndexOf(jobId, callbacks.length)];
      if (shard === undefined) throw new Error("a job without a shard");
      await reached(
        shard.add(JOB_NAMES.callbacks, job, {
          jobId,
          priority: REPLAY_PRIORITY,
          // A kept job would swallow the next replay of the same callback.
          removeOnComplete: true,
        }),
      );
    },
    async replaysWaiting() {
      const counts = await reached(
        Promise.all(callbacks.map((shard) => shard.getJobCountByTypes("prioritized"))),
      );
      return counts.reduce((sum, count) => sum + count, 0);
    },
    connectedApps: () => connectedApps(redis),
    noteShardCount: (shardCount) => reached(writeQueueLayout(redis, shardCount)),
    async removeAll() {
      for (const shard of [...callbacks, ...media])
        await reached(shard.obliterate({ force: true }));
    },
  };
}

/** By the names that they give their connections. */
async function connectedApps(redis: RedisClient): Promise<QueueApp[] | null> {
  const lists = await reached(Promise.all(mastersOf(redis).map(clientListOf)));
  if (lists.includes(null)) return null;
  const clients = lists.join("\n");
  return QUEUE_APPS.filter((app) =>
    new RegExp(` name=reelgate-${app}(?:-\\S*)? `, "u").test(clients),
  );
}

/** Null where a managed Redis, or the rights of an ACL user, forbid it. */
async function clientListOf(master: Redis): Promise<string | null> {
  try {
    return String(await master.call("CLIENT", "LIST"));
  } catch (error) {
    if (error instanceof Error && /NOPERM|unknown command/iu.test(error.message)) return null;
    throw error;
  }
}

const QUEUE_APPS = ["ingress", "worker"] as const satisfies readonly QueueApp[];

type State = keyof QueueDepths["states"];

/** Of all shards together. */
async function depthsOf(
  name: QueueDepths["name"],
  shards: readonly Queue<unknown, void, string>[],
): Promise<QueueDepths> {
  const parts = await Promise.all(shards.map(shardDepths));
  const states: State[] = [...OPEN_STATES, ...ENDED_STATES];
  const entries = states.map((state) => {
    const ages = parts.flatMap((part) => part.states[state].oldestAgeMs ?? []);
    const count = parts.reduce((sum, part) => sum + part.states[state].count, 0);
    return [state, { count, oldestAgeMs: ages.length === 0 ? null : Math.max(...ages) }];
  });
  // A worker takes jobs of every shard.
  const workers = parts.flatMap((part) => part.workers ?? []);
  return {
    name,
    isPaused: parts.some(({ isPaused }) => isPaused),
    workers: workers.length === 0 ? null : Math.max(...workers),
    states: Object.fromEntries(entries) as QueueDepths["states"],
  };
}

async function shardDepths(
  queue: Queue<unknown, void, string>,
): Promise<Omit<QueueDepths, "name">> {
  const states: State[] = [...OPEN_STATES, ...ENDED_STATES];
  const [counts, isPaused, workers, ...oldest] = await Promise.all([
    queue.getJobCounts(...states),
    queue.isPaused(),
    // A managed Redis may refuse CLIENT LIST.
    queue.getWorkersCount().catch(() => null),
    ...states.map((state) => oldestAgeMs(queue, state)),
  ]);
  const entries = states.map((state, index) => [
    state,
    { count: counts[state] ?? 0, oldestAgeMs: oldest[index] ?? null },
  ]);
  return { isPaused, workers, states: Object.fromEntries(entries) as QueueDepths["states"] };
}

/** Of the first in line, which is the oldest but where priorities are mixed. */
async function oldestAgeMs(
  queue: Queue<unknown, void, string>,
  state: State,
): Promise<number | null> {
  const [first] = await queue.getJobs([state], 0, 0, true);
  return first === undefined ? null : Math.max(Date.now() - first.timestamp, 0);
}
