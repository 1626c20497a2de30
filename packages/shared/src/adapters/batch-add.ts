import { Job } from "bullmq";
import type { JobsOptions, Queue, RedisQueueBackend } from "bullmq";
import type { RedisClient } from "../redis.ts";
import { ADD_COMMANDS, addJobsScript } from "./add-jobs-script.ts";
import type { AddCommandName } from "./add-jobs-script.ts";

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
 * @param priority of every job; without it they are taken in the order in which they came.
 */
export function bullmqBatchAdd<T>(
  queue: Queue<T, void, string>,
  client: RedisClient,
  name: string,
  priority?: number,
): BatchAdd<T> {
  const hasTelemetry = queue.opts.telemetry !== undefined;
  const { own, keys, head, opts } = commandFor(queue, name, {
    ...queue.defaultJobOptions,
    jobId: TEMPLATE_ID,
    ...(priority === undefined ? {} : { priority }),
    ...(hasTelemetry ? { telemetry: { metadata: TEMPLATE_METADATA } } : {}),
  });
  const command = `addJobs:${queue.qualifiedName}`;
  client.defineCommand(command, { numberOfKeys: keys.length, lua: addJobsScript(own, head, opts) });
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
  own: AddCommandName;
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
  let sent: { name: string; args: readonly unknown[] } = { name: "", args: [] };
  const recorder = {
    // The name has the version of BullMQ behind a colon.
    runCommand(command: string, args: readonly unknown[]) {
      sent = { name: command.split(":", 1)[0] ?? "", args };
      return Promise.resolve(TEMPLATE_ID);
    },
  } as unknown as Parameters<RedisQueueBackend["addJobToTransaction"]>[0];
  void queue.getBackend().addJobToTransaction(recorder, job.asJSON(), TEMPLATE_ID);
  const own = ADD_COMMANDS.find((command) => command === sent.name);
  const keys = sent.args.slice(0, -3);
  const [head, , opts] = sent.args.slice(-3);
  if (
    own === undefined ||
    !keys.every((key) => typeof key === "string") ||
    keys.length !== 9 ||
    !Buffer.isBuffer(head) ||
    !Buffer.isBuffer(opts)
  ) {
    throw new Error("BullMQ adds a job in a way that is not known here");
  }
  return { own, keys, head, opts };
}
