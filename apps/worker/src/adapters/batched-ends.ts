import { createRedisBackend } from "bullmq";
import type { BackendFactory, RedisQueueBackend } from "bullmq";
import { MicroBatcher } from "@reelgate/shared/micro-batcher";
import { ARGUMENTS_PER_JOB, endJobsScript } from "./end-jobs-script.ts";

/** The script with which BullMQ 6.7 ends a job and takes the next one, and where things are in its arguments, from 0. */
const OWN = "moveToFinished";
const KEY_COUNT = 14;
const ARGUMENT_COUNT = KEY_COUNT + ARGUMENTS_PER_JOB - 2;
const TARGET = KEY_COUNT + 4;
/** The only two of its keys that depend on the job: the set of those with its end, and the job's own. */
const END_KEY = 10;
const JOB_KEY = 11;

/** Redis does nothing else meanwhile: as many as the ingress adds in one command. */
const MAX_ENDS = 32;
const MAX_IN_FLIGHT = 8;

type Call = readonly (string | number | Buffer | undefined)[];

/** What ioredis has beside what BullMQ knows of it. */
interface ScriptingClient {
  scriptsSet?: Readonly<Record<string, { lua: string }>>;
  defineCommand(name: string, definition: { numberOfKeys: number; lua: string }): void;
  runCommand(name: string, args: Call): Promise<unknown[]>;
}

/**
 * BullMQ's Redis, except that jobs that are completed at the same time are ended in one command. Stage 1 settles its
 * callbacks in batches, so that many end in one turn of the event loop; each of them alone would be a call of a script
 * that is longer in coming and going than in running.
 *
 * The command gets the arguments that BullMQ made for each job, and does for each what BullMQ does ({@link
 * endJobsScript}). One whose lock is lost, say, fails alone. When the command fails as a whole, each end has failed, as it
 * would have alone: its job is taken up again when its lock has run out, and finds its outcome.
 *
 * Where BullMQ's script cannot be found by its name, or has other arguments than these, the jobs end one by one.
 */
export const batchedEnds: BackendFactory<RedisQueueBackend> = (name, opts, options) => {
  const backend = createRedisBackend(name, opts, options);
  const endOne = backend.execCommand.bind(backend);
  let endTogether: ((call: Call) => Promise<unknown>) | null | undefined;
  backend.execCommand = (client, command, args: unknown[]): unknown => {
    const isKnown = command === OWN && args.length === ARGUMENT_COUNT;
    if (!isKnown || args[TARGET] !== "completed") return endOne(client, command, args);
    endTogether ??= endsOn(client as unknown as ScriptingClient);
    return endTogether === null ? endOne(client, command, args) : endTogether(args as Call);
  };
  return backend;
};

function endsOn(client: ScriptingClient): ((call: Call) => Promise<unknown>) | null {
  const own = Object.entries(client.scriptsSet ?? {}).find(([name]) => name.startsWith(`${OWN}:`));
  if (own === undefined) return null;
  const [name, { lua }] = own;
  const command = `batched:${name}`;
  client.defineCommand(command, { numberOfKeys: KEY_COUNT, lua: endJobsScript(lua) });
  const batcher = new MicroBatcher<Call, unknown>({
    maxSize: MAX_ENDS,
    maxInFlight: MAX_IN_FLIGHT,
    isolates: () => false,
    run: async (calls) => {
      const args = (calls[0] ?? []).slice(0, KEY_COUNT);
      for (const call of calls) {
        args.push(call[END_KEY], call[JOB_KEY]);
        for (let n = 0; n < ARGUMENTS_PER_JOB - 2; n++) args.push(call[KEY_COUNT + n] ?? "");
      }
      return await client.runCommand(command, args);
    },
  });
  return async (call) => {
    const result = await batcher.submit(call);
    if (result instanceof Error) throw result;
    return result;
  };
}
