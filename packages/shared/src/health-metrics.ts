import { Gauge } from "prom-client";
import type { Registry } from "prom-client";
import { scrapeReading } from "./scrape-reading.ts";

/** Scrapes come every 15 s or so from each of several Prometheus servers. */
const MAX_AGE_MS = 3000;
/** Prometheus itself gives a scrape 10 s. */
const DEADLINE_MS = 2000;

interface Names {
  up: string;
  pingSeconds: string;
  title: string;
}

const REDIS: Names = {
  up: "reelgate_redis_up",
  pingSeconds: "reelgate_redis_ping_seconds",
  title: "Redis",
};
const POSTGRES: Names = {
  up: "reelgate_postgres_up",
  pingSeconds: "reelgate_postgres_ping_seconds",
  title: "Postgres",
};

/** Asks Redis when somebody scrapes. */
export function registerRedisHealth(registry: Registry, ping: () => Promise<unknown>): void {
  registerHealth(registry, REDIS, ping);
}

/** Asks Postgres when somebody scrapes. */
export function registerPostgresHealth(registry: Registry, ping: () => Promise<unknown>): void {
  registerHealth(registry, POSTGRES, ping);
}

function registerHealth(registry: Registry, names: Names, ping: () => Promise<unknown>): void {
  const registers = [registry];
  const latencyS = scrapeReading(
    async () => {
      const startedAtMs = performance.now();
      await ping();
      return (performance.now() - startedAtMs) / 1000;
    },
    { maxAgeMs: MAX_AGE_MS, deadlineMs: DEADLINE_MS },
  );
  const up = new Gauge({
    name: names.up,
    help: `1 while ${names.title} answers this process.`,
    registers,
    async collect() {
      up.set((await latencyS()) === null ? 0 : 1);
    },
  });
  const pingSeconds = new Gauge({
    name: names.pingSeconds,
    help: `Round trip of the last ping to ${names.title}; absent while it does not answer.`,
    registers,
    async collect() {
      showReading(pingSeconds, await latencyS());
    },
  });
}

/** A gauge without a reading disappears: its last value would look like one of now. */
export function showReading(gauge: Gauge, value: number | null): void {
  if (value === null) gauge.remove();
  else gauge.set(value);
}
