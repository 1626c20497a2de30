import { Counter, Gauge } from "prom-client";
import type { Registry } from "prom-client";
import type { Logger } from "@reelgate/shared/logger";
import type { DrainEvents } from "./ingest/drain-spool.ts";
import type { Clock, Spool, SpoolDepth } from "./ingest/ports.ts";

const LOG_INTERVAL_MS = 10_000;

/** What the spool tells about itself. The files' names carry nothing of a callback. */
export class SpoolTelemetry implements DrainEvents {
  readonly #logger: Logger;
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #spooled: Counter;
  readonly #drained: Counter;
  readonly #damagedBytes: Counter;
  #orphans: readonly SpoolDepth[] = [];
  #spooledLoggedAtMs = -Infinity;
  #failureLoggedAtMs = -Infinity;

  constructor(logger: Logger, registry: Registry, clock: Clock) {
    this.#logger = logger;
    this.#registry = registry;
    this.#clock = clock;
    const registers = [registry];
    this.#spooled = new Counter({
      name: "reelgate_ingress_spooled_total",
      help: "Callbacks that were written to the spool because the queue took none.",
      registers,
    });
    this.#drained = new Counter({
      name: "reelgate_ingress_spool_drained_total",
      help: "Callbacks that were moved from the spool to the queue.",
      registers,
    });
    this.#damagedBytes = new Counter({
      name: "reelgate_ingress_spool_damaged_bytes_total",
      help: "Bytes of the spool that went bad on the disk; acknowledged callbacks may have been in them.",
      registers,
    });
  }

  /** The gauges read the spool when they are asked. */
  watch(spool: Spool, maxBytes: number): void {
    const gauge = (name: string, help: string, read: () => number): void => {
      // The registry keeps it; the callback is its whole life.
      void new Gauge({
        name,
        help,
        registers: [this.#registry],
        collect() {
          this.set(read());
        },
      });
    };
    gauge(
      "reelgate_ingress_spool_callbacks",
      "Callbacks that wait in the spool.",
      () => spool.depth.callbacks,
    );
    gauge(
      "reelgate_ingress_spool_bytes",
      "Size of the spool on the disk.",
      () => spool.depth.bytes,
    );
    gauge(
      "reelgate_ingress_spool_max_bytes",
      "SPOOL_MAX_BYTES, beyond which callbacks are answered 503 while Redis takes none.",
      () => maxBytes,
    );
    gauge(
      "reelgate_ingress_spool_full",
      "1 while the last callback found no room in the spool.",
      () => (spool.depth.isFull ? 1 : 0),
    );
    gauge(
      "reelgate_ingress_spool_orphan_callbacks",
      "Callbacks in the spools of replicas that are gone, at the last look; every replica that shares SPOOL_DIR shows them.",
      () => this.#orphans.reduce((sum, { callbacks }) => sum + callbacks, 0),
    );
    gauge(
      "reelgate_ingress_spool_oldest_age_seconds",
      "Age of the oldest callback in the spool, or in one whose replica is gone; 0 when there is none.",
      () => {
        const times = [spool.depth, ...this.#orphans].flatMap(({ oldestAtMs }) => oldestAtMs ?? []);
        return times.length === 0
          ? 0
          : Math.max(0, this.#clock.nowMs() - Math.min(...times)) / 1000;
      },
    );
  }

  spooled(): void {
    this.#spooled.inc();
    if (this.#clock.nowMs() - this.#spooledLoggedAtMs < LOG_INTERVAL_MS) return;
    this.#spooledLoggedAtMs = this.#clock.nowMs();
    this.#logger.warn("the queue takes no callbacks: they go to the spool");
  }

  drained(callbacks: number): void {
    this.#drained.inc(callbacks);
    this.#logger.info({ callbacks }, "callbacks were moved from the spool to the queue");
  }

  drainFailed(error: unknown): void {
    if (this.#clock.nowMs() - this.#failureLoggedAtMs < LOG_INTERVAL_MS) return;
    this.#failureLoggedAtMs = this.#clock.nowMs();
    this.#logger.error({ err: error }, "the spool cannot be drained; it is tried again");
  }

  orphansFound(depths: readonly SpoolDepth[]): void {
    this.#orphans = depths;
  }

  tornTail(keptAs: string, bytes: number): void {
    this.#logger.warn(
      { keptAs, bytes },
      "the spool had a write that a crash cut off, before its callback was answered",
    );
  }

  damaged(keptAs: string, bytes: number): void {
    this.#damagedBytes.inc(bytes);
    this.#logger.error(
      { keptAs, bytes },
      "the spool was damaged on the disk: acknowledged callbacks may be lost; the file is kept",
    );
  }
}
