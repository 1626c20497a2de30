import { countByOutcome, listCallbacks } from "@reelgate/catalogue/callback-log";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { listRecordings } from "@reelgate/catalogue/recordings";
import { createProducers } from "@reelgate/shared/adapters/bullmq-producer";
import type { QueueName } from "@reelgate/shared/contract/jobs";
import type { Callback, Outcome, Page, Recording } from "@reelgate/shared/contract/recording";
import { readQueueLayout } from "@reelgate/shared/queue-layout";
import { createRedis } from "@reelgate/shared/redis";
import { until } from "./latch.ts";

type Counts = Partial<Record<Outcome, number>>;

const PAGE_LIMIT = 1000;

async function allOf<T>(list: (cursor: string | null) => Promise<Page<T>>): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<T> = await list(cursor);
    all.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return all;
}

export function allCallbacks(db: CatalogueDatabase): Promise<Callback[]> {
  return allOf((cursor) => listCallbacks(db, {}, { limit: PAGE_LIMIT, cursor }));
}

export function allRecordings(db: CatalogueDatabase): Promise<Recording[]> {
  return allOf((cursor) => listRecordings(db, {}, { limit: PAGE_LIMIT, cursor }));
}

/** How many callbacks have each outcome. */
export async function outcomes(db: CatalogueDatabase): Promise<Counts> {
  return Object.fromEntries(await countByOutcome(db));
}

export async function outcomeCount(db: CatalogueDatabase): Promise<number> {
  return sum([...(await countByOutcome(db)).values()]);
}

/** Waits until so many callbacks have an outcome. More than that is for the test to see. */
export async function untilSettled(
  db: CatalogueDatabase,
  count: number,
  timeoutMs = 60_000,
): Promise<void> {
  await until(async () => (await outcomeCount(db)) >= count, {
    what: `${count} outcomes`,
    timeoutMs,
    intervalMs: 50,
  });
}

/** Waits until the state of every recording is a last one. */
export async function untilVerified(db: CatalogueDatabase, timeoutMs = 60_000): Promise<void> {
  await until(
    async () => (await listRecordings(db, { state: "pending" }, FIRST_ONE)).items.length === 0,
    { what: "no recording being pending", timeoutMs, intervalMs: 50 },
  );
}
const FIRST_ONE = { limit: 1, cursor: null };

/** How many recordings are pending, up to a page of them. */
export async function pendingCount(db: CatalogueDatabase): Promise<number> {
  const page = await listRecordings(db, { state: "pending" }, { limit: PAGE_LIMIT, cursor: null });
  return page.items.length;
}

/** What guarantee G2 is about, counted from the rows themselves. */
export interface Audit {
  /** Ids of the callbacks that have an outcome, sorted. */
  ids: string[];
  outcomes: Counts;
  recordings: number;
  /** Callbacks that the recordings say they have, and those of them that contradict. */
  countedByRecordings: number;
  conflictsCountedByRecordings: number;
}

export async function audit(db: CatalogueDatabase): Promise<Audit> {
  const callbacks = await allCallbacks(db);
  const recordings = await allRecordings(db);
  return {
    ids: callbacks.map(({ id }) => id).toSorted(),
    outcomes: await outcomes(db),
    recordings: recordings.length,
    countedByRecordings: sum(recordings.map(({ callbackCount }) => callbackCount)),
    conflictsCountedByRecordings: sum(recordings.map(({ conflictCount }) => conflictCount)),
  };
}

const OPEN_STATES = ["waiting", "active", "delayed", "failed", "prioritized"] as const;

/** How many jobs of a queue have not been done, by state. */
export function openJobs(redisUrl: string, queueName: QueueName): Promise<OpenJobs> {
  return withCounter(redisUrl, queueName, (count) => count());
}

/** Waits until every job of a queue is done. */
export async function untilNoOpenJobs(
  redisUrl: string,
  queueName: QueueName,
  timeoutMs: number,
): Promise<void> {
  await withCounter(redisUrl, queueName, (count) =>
    until(async () => sum(Object.values(await count())) === 0, {
      what: "an empty queue",
      timeoutMs,
      intervalMs: 100,
    }),
  );
}

type OpenJobs = Record<string, number>;

async function withCounter<T>(
  redisUrl: string,
  queueName: QueueName,
  use: (count: () => Promise<OpenJobs>) => Promise<T>,
): Promise<T> {
  const connection = createRedis({
    url: redisUrl,
    role: "worker",
    name: "test-audit",
    onError: () => {},
  });
  try {
    const shardCount = (await readQueueLayout(connection)) ?? 1;
    const shards = createProducers(shardCount, {
      queue: queueName,
      connection,
      onError: () => {},
    });
    return await use(async () => {
      const counts = await Promise.all(shards.map((shard) => shard.getJobCounts(...OPEN_STATES)));
      return Object.fromEntries(
        OPEN_STATES.map((state) => [state, sum(counts.map((one) => one[state] ?? 0))]),
      );
    });
  } finally {
    connection.disconnect();
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
