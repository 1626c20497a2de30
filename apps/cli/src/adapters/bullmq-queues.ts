import type { Queue } from "bullmq";
import { bullmqMediaQueue } from "@reelgate/shared/adapters/bullmq-media-queue";
import { JOB_NAMES, QUEUES, REPLAY_PRIORITY, replayJobId } from "@reelgate/shared/contract/jobs";
import type { CallbackJob, MediaJob } from "@reelgate/shared/contract/jobs";
import { ENDED_STATES, OPEN_STATES } from "../ports.ts";
import type { QueueDepths, Queues } from "../ports.ts";
import { reached } from "./redis-connection.ts";

export interface ProductQueues {
  callbacks: Queue<CallbackJob, void, string>;
  media: Queue<MediaJob, void, string>;
}

export function bullmqQueues({ callbacks, media }: ProductQueues): Queues {
  const mediaQueue = bullmqMediaQueue(media);
  return {
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
      await reached(
        callbacks.add(JOB_NAMES.callbacks, job, {
          jobId: replayJobId(callback.id),
          priority: REPLAY_PRIORITY,
          // A kept job would swallow the next replay of the same callback.
          removeOnComplete: true,
        }),
      );
    },
    replaysWaiting: () => reached(callbacks.getJobCountByTypes("prioritized")),
  };
}

type State = keyof QueueDepths["states"];

async function depthsOf(
  name: QueueDepths["name"],
  queue: Queue<unknown, void, string>,
): Promise<QueueDepths> {
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
  return { name, isPaused, workers, states: Object.fromEntries(entries) as QueueDepths["states"] };
}

/** Of the first in line, which is the oldest but where priorities are mixed. */
async function oldestAgeMs(
  queue: Queue<unknown, void, string>,
  state: State,
): Promise<number | null> {
  const [first] = await queue.getJobs([state], 0, 0, true);
  return first === undefined ? null : Math.max(Date.now() - first.timestamp, 0);
}
