import { Counter, Gauge, Histogram } from "prom-client";
import type { Registry } from "prom-client";
import type { Logger } from "@reelgate/shared/logger";
import type { Clock } from "./ingest/ports.ts";
import { REFUSALS } from "./ingest/outcome.ts";
import type { Outcome, OutcomeKind } from "./ingest/outcome.ts";

/** Where an answer went and how long it took. */
export interface AnswerContext {
  requestId: string;
  remoteAddress: string | null;
  durationMs: number;
}

const roundMs = (ms: number): number => Math.round(ms * 100) / 100;

export type RedisState =
  | { kind: "away" }
  | { kind: "unconfirmed" }
  /** Its queues have another number of shards than this process. */
  | { kind: "other_layout"; reason: string }
  | { kind: "durable" }
  | { kind: "volatile"; reason: string };

const LEVELS: Partial<Record<OutcomeKind, "debug" | "warn">> = {
  queue_unavailable: "warn",
  overloaded: "warn",
  // A flood that is kept out must not become one of lines.
  rate_limited: "debug",
};

/** An outage makes hundreds of equal errors a second; one line in this many milliseconds tells as much. */
const REDIS_ERROR_LOG_INTERVAL_MS = 10_000;

/**
 * What the ingress tells about itself: one method per event, each with its line and its metrics. No line and no label
 * holds anything of a body, a key, a query or the path token (guarantee G6).
 */
export class IngressTelemetry {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #answers: Counter<"answer">;
  readonly #ackSeconds: Histogram;
  readonly #inFlight: Gauge;
  readonly #redisUp: Gauge;
  readonly #redisDurable: Gauge;
  readonly #redisWriteSeconds: Histogram;
  readonly #commitCallbacks: Histogram;
  #redisErrorsUnlogged = 0;
  #redisErrorLoggedAtMs = -Infinity;

  constructor(logger: Logger, registry: Registry, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
    const registers = [registry];
    this.#answers = new Counter({
      name: "reelgate_ingress_answers_total",
      help: "Requests to the callback path, by answer: accepted, or the code of the refusal.",
      labelNames: ["answer"],
      registers,
    });
    this.#ackSeconds = new Histogram({
      name: "reelgate_ingress_ack_seconds",
      help: "Time from the headers of an accepted callback to its answer.",
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    this.#inFlight = new Gauge({
      name: "reelgate_ingress_in_flight",
      help: "Callbacks that are read and not yet answered.",
      registers,
    });
    this.#redisUp = new Gauge({
      name: "reelgate_redis_up",
      help: "1 while there is a connection to Redis.",
      registers,
    });
    this.#redisDurable = new Gauge({
      name: "reelgate_ingress_redis_durable",
      help: "1 while Redis is known to write to disk before it replies.",
      registers,
    });
    this.#redisWriteSeconds = new Histogram({
      name: "reelgate_ingress_redis_write_seconds",
      help: "Round trip of the write that is tried once a second, with its way to the disk.",
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2],
      registers,
    });
    this.#commitCallbacks = new Histogram({
      name: "reelgate_ingress_commit_callbacks",
      help: "Callbacks that were sent to Redis in one command.",
      buckets: [1, 2, 4, 8, 16, 32],
      registers,
    });
    // A counter that comes to be with its first event hides that event from every rate.
    for (const answer of ["accepted", ...REFUSALS]) this.#answers.inc({ answer }, 0);
  }

  answered(outcome: Outcome, { durationMs, ...origin }: AnswerContext): void {
    this.#answers.inc({ answer: outcome.kind });
    const context = { ...origin, durationMs: roundMs(durationMs) };
    if (outcome.kind === "accepted") {
      this.#ackSeconds.observe(durationMs / 1000);
      const { jobId, keyIndex } = outcome;
      this.#logger.debug({ ...context, jobId, keyIndex }, "callback accepted");
      return;
    }
    this.#logger[LEVELS[outcome.kind] ?? "info"](
      { reason: outcome.kind, detail: outcome.detail, ...context },
      "callback refused",
    );
  }

  /** A defect on the way to an answer. */
  failed(error: unknown): void {
    this.#answers.inc({ answer: "internal" });
    this.#logger.error({ err: error }, "callback failed");
  }

  inFlight(count: number): void {
    this.#inFlight.set(count);
  }

  redisChanged(state: RedisState): void {
    this.#redisUp.set(state.kind === "away" ? 0 : 1);
    this.#redisDurable.set(state.kind === "durable" ? 1 : 0);
    switch (state.kind) {
      case "away":
        this.#logger.warn("Redis is away");
        break;
      case "unconfirmed":
        this.#logger.debug("Redis is connected");
        break;
      case "durable":
        this.#logger.info("Redis writes to disk before it replies");
        break;
      case "other_layout":
        this.#logger.error(state.reason);
        break;
      case "volatile":
        this.#logger.warn({ reason: state.reason }, "Redis can lose what it acknowledges");
        break;
      default: {
        const unreachable: never = state;
        throw new Error(`unknown state ${String(unreachable)}`);
      }
    }
  }

  replicasChanged(problem: string | null): void {
    if (problem === null) this.#logger.info("enough replicas of Redis acknowledge");
    else this.#logger.warn({ reason: problem }, "too few replicas of Redis acknowledge");
  }

  redisWritten(durationMs: number): void {
    this.#redisWriteSeconds.observe(durationMs / 1000);
  }

  committed(callbacks: number): void {
    this.#commitCallbacks.observe(callbacks);
  }

  redisFailed(error: Error): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#redisErrorLoggedAtMs < REDIS_ERROR_LOG_INTERVAL_MS) {
      this.#redisErrorsUnlogged++;
      return;
    }
    this.#logger.warn({ err: error, unlogged: this.#redisErrorsUnlogged }, "Redis failed");
    this.#redisErrorLoggedAtMs = nowMs;
    this.#redisErrorsUnlogged = 0;
  }
}
