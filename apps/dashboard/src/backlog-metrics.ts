import { Gauge } from "prom-client";
import type { Registry } from "prom-client";
import type { CatalogueBacklog } from "@reelgate/catalogue/backlog";
import {
  registerPostgresHealth,
  registerRedisHealth,
  showReading,
} from "@reelgate/shared/health-metrics";
import type { RedisMemory } from "@reelgate/shared/redis-memory";
import { scrapeReading } from "@reelgate/shared/scrape-reading";
import type { QueueReader, QueueReading } from "./ports.ts";

export interface BacklogMetricsOptions {
  pingRedis: () => Promise<unknown>;
  pingPostgres: () => Promise<unknown>;
  queueReader: QueueReader;
  redisMemory: () => Promise<RedisMemory>;
  catalogueBacklog: () => Promise<CatalogueBacklog>;
}

const REDIS_READING = { maxAgeMs: 3000, deadlineMs: 2000 } as const;
/** Counts up to twenty thousand index entries. */
const CATALOGUE_READING = { maxAgeMs: 15_000, deadlineMs: 5000 } as const;

/**
 * What waits, as gauges that are read when somebody scrapes. They are the dashboard's because nothing depends on it: a
 * worker that is dead must not take the length of its queue with it, and a storm of scrapes must not slow down one that
 * works. Every replica shows the same numbers; rules take their maximum.
 */
export function registerBacklogMetrics(registry: Registry, options: BacklogMetricsOptions): void {
  registerRedisHealth(registry, options.pingRedis);
  registerPostgresHealth(registry, options.pingPostgres);
  registerQueues(registry, options.queueReader);
  registerRedisMemory(registry, options.redisMemory);
  registerCatalogue(registry, options.catalogueBacklog);
}

function registerQueues(registry: Registry, reader: QueueReader): void {
  const reading = scrapeReading(() => reader.read(), REDIS_READING);
  const each = (readings: Awaited<ReturnType<typeof reading>>): [string, QueueReading][] =>
    Object.entries(readings ?? {});
  const jobs = new Gauge({
    name: "reelgate_queue_jobs",
    help: "Jobs of each queue by state; absent while Redis is away.",
    labelNames: ["queue", "state"],
    registers: [registry],
    async collect() {
      const readings = await reading();
      jobs.reset();
      for (const [queue, { jobs: counts }] of each(readings)) {
        for (const [state, count] of Object.entries(counts)) jobs.set({ queue, state }, count);
      }
    },
  });
  const oldestAge = new Gauge({
    name: "reelgate_queue_oldest_age_seconds",
    help: "How long the next waiting job has been due, and the longest run goes on; 0 for none, absent while Redis is away.",
    labelNames: ["queue", "state"],
    registers: [registry],
    async collect() {
      const readings = await reading();
      const nowMs = Date.now();
      const ageS = (sinceMs: number | null): number =>
        sinceMs === null ? 0 : Math.max(nowMs - sinceMs, 0) / 1000;
      oldestAge.reset();
      for (const [queue, { oldestWaitingSinceMs, oldestActiveSinceMs }] of each(readings)) {
        oldestAge.set({ queue, state: "waiting" }, ageS(oldestWaitingSinceMs));
        oldestAge.set({ queue, state: "active" }, ageS(oldestActiveSinceMs));
      }
    },
  });
}

function registerRedisMemory(registry: Registry, read: () => Promise<RedisMemory>): void {
  const reading = scrapeReading(read, REDIS_READING);
  const used = new Gauge({
    name: "reelgate_redis_memory_used_bytes",
    help: "used_memory of Redis, of a cluster's fullest master; absent while it is away.",
    registers: [registry],
    async collect() {
      showReading(used, (await reading())?.usedBytes ?? null);
    },
  });
  const max = new Gauge({
    name: "reelgate_redis_memory_max_bytes",
    help: "maxmemory of the same Redis, beyond which it refuses callbacks; 0 for no bound, absent while it is away.",
    registers: [registry],
    async collect() {
      showReading(max, (await reading())?.maxBytes ?? null);
    },
  });
}

function registerCatalogue(registry: Registry, read: () => Promise<CatalogueBacklog>): void {
  const reading = scrapeReading(read, CATALOGUE_READING);
  const pending = new Gauge({
    name: "reelgate_recordings_pending",
    help: "Recordings without a verdict, counted up to 10,000; absent while Postgres is away.",
    registers: [registry],
    async collect() {
      showReading(pending, (await reading())?.pending ?? null);
    },
  });
  const oldest = new Gauge({
    name: "reelgate_recordings_pending_oldest_age_seconds",
    help: "Since the callback of the first recording that has no verdict; 0 for none, absent while Postgres is away.",
    registers: [registry],
    async collect() {
      const backlog = await reading();
      const sinceMs = backlog?.oldestPendingReceivedAtMs ?? null;
      const ageS = sinceMs === null ? 0 : Math.max(Date.now() - sinceMs, 0) / 1000;
      showReading(oldest, backlog === null ? null : ageS);
    },
  });
  const failed = new Gauge({
    name: "reelgate_recordings_failed",
    help: "Recordings that were given up, counted up to 10,000; absent while Postgres is away.",
    registers: [registry],
    async collect() {
      showReading(failed, (await reading())?.failed ?? null);
    },
  });
}
