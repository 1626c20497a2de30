import pLimit from "p-limit";
import type { QueueShard } from "@reelgate/shared/contract/queue-shards";
import type { RunningStage, StageHandler } from "./stage.ts";

export interface ShardedStageOptions<T> {
  shards: readonly QueueShard[];
  /** Jobs that this process works on at a time, of all shards together. */
  concurrency: number;
  handler: StageHandler<T>;
  /** Starts the stage of one shard. */
  start: (
    shard: QueueShard,
    own: { concurrency: number; handler: StageHandler<T> },
  ) => RunningStage;
}

/**
 * Runs the jobs of all shards of a queue. Ids spread evenly over the shards, so each takes its share of the concurrency;
 * it is rounded up, and what that is too much waits in hand for a place, fewer jobs than there are shards.
 */
export function startShardedStage<T>(options: ShardedStageOptions<T>): RunningStage {
  const { shards, concurrency, start } = options;
  const place = pLimit(concurrency);
  const handler: StageHandler<T> =
    shards.length === 1
      ? options.handler
      : (data, run) =>
          place(async () => {
            // It may have waited for its place.
            run.signal.throwIfAborted();
            return await options.handler(data, run);
          });
  const share = Math.ceil(concurrency / shards.length);
  const stages = shards.map((shard) => start(shard, { concurrency: share, handler }));
  return {
    get isRunning() {
      return stages.every((stage) => stage.isRunning);
    },
    async [Symbol.asyncDispose]() {
      // Together: one that waits for its last job must not keep the others taking new ones.
      await Promise.all(stages.map((stage) => stage[Symbol.asyncDispose]()));
    },
  };
}
