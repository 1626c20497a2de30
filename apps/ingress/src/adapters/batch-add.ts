import { Job } from "bullmq";
import type { JobsOptions, Queue, RedisQueueBackend } from "bullmq";
import type { RedisClient } from "@reelgate/shared/redis";
import { addJobsScript } from "./add-jobs-script.ts";

export interface JobToAdd<T> {
  id: string;
  data: T;
  /** The trace that the job belongs to, as the queue's telemetry writes it; null for none. */
  metadata: string | null;
}

/** Adds jobs, all of them or none. An id that is there already is added to nothing, and no error. */
export type BatchAdd<T> = (jobs: readonly JobToAdd<T>[]) => Promise<void>;

/** Both stand for what each job has of its own: ids of the ingress are never this one. */
const TEMPLATE_ID = "template";
const TEMPLATE_METADATA = "template";

/**
 * Adds to a queue of BullMQ by {@link addJobsScript}. Keys, arguments and options of a job are those that BullMQ itself
 * would send for one: they are taken from it here, once.
 *
 * @param client the connection of the queue.
 */
export function bullmqBatchAdd<T>(
  queue: Queue<T, void, string>,
  client: RedisClient,
  name: string,
): BatchAdd<T> {
  const hasTelemetry = queue.opts.telemetry !== undefined;
  const { keys, head, opts } = commandFor(queue, name, {
    ...queue.defaultJobOptions,
    jobId: TEMPLATE_ID,
    ...(hasTelemetry ? { telemetry: { metadata: TEMPLATE_METADATA } } : {}),
  });
  const command = `addJobs:${queue.qualifiedName}`;
  client.defineCommand(command, { numberOfKeys: keys.length, lua: addJobsScript(head, opts) });
  const run = (client as unknown as Record<string, (args: string[]) => Promise<unknown>>)[command];
  if (run === undefined) throw new Error(`the client has no command ${command}`);
  return async (jobs) => {
    const args = [...keys, String(Date.now())];
    for (const { id, data, metadata } of jobs) {
      args.push(id, JSON.stringify(data), metadata ?? "");
    }
    await run.call(client, args);
  };
}

interface AddCommand {
  keys: string[];
  /** Prefix, id, name and time, packed. */
  head: Buffer;
  opts: Buffer;
}

/** The command with which BullMQ would add this job, without sending it. */
function commandFor<T>(
  queue: Queue<T, void, string>,
  name: string,
  options: JobsOptions,
): AddCommand {
  const job = new Job(queue, name, {}, options, options.jobId);
  let sent: readonly unknown[] = [];
  const recorder = {
    runCommand(_command: string, args: readonly unknown[]) {
      sent = args;
      return Promise.resolve(TEMPLATE_ID);
    },
  } as unknown as Parameters<RedisQueueBackend["addJobToTransaction"]>[0];
  void queue.getBackend().addJobToTransaction(recorder, job.asJSON(), TEMPLATE_ID);
  const keys = sent.slice(0, -3);
  const [head, , opts] = sent.slice(-3);
  if (!keys.every((key) => typeof key === "string") || keys.length !== 9) {
    throw new Error("BullMQ adds a job in a way that is not known here");
  }
  if (!Buffer.isBuffer(head) || !Buffer.isBuffer(opts)) {
    throw new Error("BullMQ adds a job in a way that is not known here");
  }
  return { keys, head, opts };
}
