import { Counter, Gauge } from "prom-client";
import type { Registry } from "prom-client";
import type { PoolUse } from "@reelgate/catalogue/database";
import { registerPostgresHealth, registerRedisHealth } from "@reelgate/shared/health-metrics";

export interface DependencyMetricsOptions {
  pingRedis: () => Promise<unknown>;
  pingPostgres: () => Promise<unknown>;
  poolUse: () => PoolUse;
}

/** How the servers behind this worker are, and how much of its own pool it uses. */
export function registerDependencyMetrics(
  registry: Registry,
  options: DependencyMetricsOptions,
): void {
  registerRedisHealth(registry, options.pingRedis);
  registerPostgresHealth(registry, options.pingPostgres);
  const connections = new Gauge({
    name: "reelgate_postgres_connections",
    help: "Connections of this process to Postgres, busy or idle.",
    labelNames: ["state"],
    registers: [registry],
    collect() {
      const { busy, idle } = options.poolUse();
      connections.set({ state: "busy" }, busy);
      connections.set({ state: "idle" }, idle);
    },
  });
  const waiting = new Gauge({
    name: "reelgate_postgres_waiting",
    help: "Statements of this process that wait for a free connection.",
    registers: [registry],
    collect() {
      waiting.set(options.poolUse().waiting);
    },
  });
}

/** Bytes of media that were read from origins, by what for. */
export function fetchedBytes(registry: Registry): (purpose: string, bytes: number) => void {
  const counter = new Counter({
    name: "reelgate_media_fetched_bytes_total",
    help: "Bytes of bodies that were read from origins, to look at a file or to make a copy of it.",
    labelNames: ["purpose"],
    registers: [registry],
  });
  // A counter with labels looks them up each time, and a download calls this for every 64 KiB.
  const children = new Map(
    ["look", "download"].map((purpose) => [purpose, counter.labels({ purpose })]),
  );
  for (const child of children.values()) child.inc(0);
  return (purpose, bytes) => children.get(purpose)?.inc(bytes);
}
