import { QUEUE_PREFIX } from "@reelgate/shared/contract/jobs";
import { errorMessage } from "@reelgate/shared/errors";
import type { Readiness } from "@reelgate/shared/ops-server";
import { checkRedisDurability } from "@reelgate/shared/redis";
import type { Redis } from "@reelgate/shared/redis";
import type { RedisState } from "../telemetry.ts";

export interface RedisMonitorOptions {
  client: Redis;
  /** Whether a Redis that is not durable may be acknowledged from (REDIS_DURABILITY=warn). */
  requireDurable: boolean;
  /** So many replicas must have a write before it is acknowledged (REDIS_MIN_REPLICAS_ACK). */
  minReplicasAck: number;
  onChange: (state: RedisState) => void;
  /** Too few replicas acknowledge, and why; null when enough do again. */
  onReplicas: (problem: string | null) => void;
  /** The probe's write was acknowledged after so many milliseconds. */
  onWrite: (durationMs: number) => void;
  /** How often a write is tried, in milliseconds. */
  probeIntervalMs?: number;
  /** How often a Redis that stays connected is asked again for its configuration, in milliseconds. */
  recheckMs?: number;
}

/** What the probe writes; beside the queues' own keys, which all begin with the prefix and the name of a queue. */
const PROBE_KEY = `${QUEUE_PREFIX}:ingress-probe`;
const PROBE_LIFE_MS = 60_000;

/**
 * A replica that is well answers in a round trip. While it is not, each WAIT holds up what was sent on the connection
 * after it: the four group commits that may be under way must all have their end before their answers are due.
 */
const REPLICAS_TIMEOUT_MS = 500;

/**
 * Knows at any moment, without asking, whether a write that Redis acknowledges now is on its disk.
 *
 * - A connection that is lost takes what was known with it: the next one may lead to another Redis. From `ready` until
 *   the check has ended the state is `unconfirmed`, and a check that fails is repeated with the next probe.
 * - The probe writes, because a Redis that is full, or became a replica, still answers everything else. It decides on
 *   readiness alone: a callback is tried in any case, and tells by itself.
 * - Too few replicas is a refusal from the first write that shows it until a probe has enough of them: each callback
 *   would otherwise wait for them to find out the same.
 * - A probe without reply makes the client give the connection up (`socketTimeout`). Without traffic nothing else would
 *   notice a half-open one.
 */
export class RedisMonitor implements Disposable {
  readonly #options: RedisMonitorOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #recheckMs: number;
  #state: RedisState = { kind: "away" };
  /** Counts connections: the answer to a check of an earlier one says nothing of this one. */
  #connection = 0;
  #checking = false;
  #checkedAtMs = -Infinity;
  #probing = false;
  #probeProblem: string | null = null;
  #replicaProblem: string | null = null;

  constructor(options: RedisMonitorOptions) {
    this.#options = options;
    this.#recheckMs = options.recheckMs ?? 30_000;
    options.client.on("ready", this.#onReady);
    options.client.on("close", this.#onClose);
    this.#timer = setInterval(() => this.#tick(), options.probeIntervalMs ?? 1000);
    if (options.client.status === "ready") this.#onReady();
  }

  /** Why nothing may be acknowledged now, or null when it may. */
  refusal(): string | null {
    switch (this.#state.kind) {
      case "away":
        return "Redis is not connected";
      case "unconfirmed":
        return this.#options.requireDurable
          ? "Redis has not told yet whether it is durable"
          : this.#replicaProblem;
      case "volatile":
        return this.#options.requireDurable ? this.#state.reason : this.#replicaProblem;
      case "durable":
        return this.#replicaProblem;
      default: {
        const unreachable: never = this.#state;
        throw new Error(`unknown state ${String(unreachable)}`);
      }
    }
  }

  /**
   * Waits until enough replicas have everything that was written on this connection, for {@link REPLICAS_TIMEOUT_MS}
   * at most.
   *
   * @returns why it may not be acknowledged, or null.
   */
  async replicaRefusal(): Promise<string | null> {
    const { client, minReplicasAck } = this.#options;
    if (minReplicasAck === 0) return null;
    const connection = this.#connection;
    const acknowledged = await client.wait(minReplicasAck, REPLICAS_TIMEOUT_MS);
    // ioredis sends the command again on the next connection, where it waits for nothing: that one has written nothing.
    if (connection !== this.#connection) {
      return "the connection to Redis was lost before its replicas had acknowledged";
    }
    this.#becomeReplicated(
      acknowledged >= minReplicasAck
        ? null
        : `${acknowledged} of ${minReplicasAck} replicas of Redis acknowledged a write within ${REPLICAS_TIMEOUT_MS} ms`,
    );
    return this.#replicaProblem;
  }

  readiness(): Readiness {
    const problem = this.refusal() ?? this.#probeProblem;
    if (problem !== null) return { ready: false, reasons: [problem] };
    return this.#state.kind === "volatile"
      ? { ready: true, notes: [this.#state.reason] }
      : { ready: true };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#options.client.off("ready", this.#onReady);
    this.#options.client.off("close", this.#onClose);
  }

  readonly #onReady = (): void => {
    this.#connection++;
    this.#checking = false;
    this.#becomeReplicated(null);
    this.#become({ kind: "unconfirmed" });
    void this.#check();
    void this.#probe();
  };

  readonly #onClose = (): void => {
    this.#connection++;
    this.#become({ kind: "away" });
  };

  #tick(): void {
    if (this.#state.kind === "away") return;
    void this.#probe();
    const ageMs = performance.now() - this.#checkedAtMs;
    if (this.#state.kind === "unconfirmed" || ageMs >= this.#recheckMs) void this.#check();
  }

  async #probe(): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    const startedAtMs = performance.now();
    try {
      await this.#options.client.set(PROBE_KEY, "1", "PX", PROBE_LIFE_MS);
      this.#probeProblem = null;
      this.#options.onWrite(performance.now() - startedAtMs);
      await this.replicaRefusal();
    } catch (error) {
      this.#probeProblem = `Redis takes no writes: ${errorMessage(error)}`;
    } finally {
      this.#probing = false;
    }
  }

  async #check(): Promise<void> {
    if (this.#checking) return;
    this.#checking = true;
    const connection = this.#connection;
    try {
      const durability = await checkRedisDurability(this.#options.client);
      if (connection !== this.#connection) return;
      this.#checkedAtMs = performance.now();
      this.#become(
        durability.durable ? { kind: "durable" } : { kind: "volatile", reason: durability.reason },
      );
    } catch {
      // The state stays what it was: either the connection is about to be lost, or the next tick asks again.
    } finally {
      if (connection === this.#connection) this.#checking = false;
    }
  }

  #becomeReplicated(problem: string | null): void {
    if (problem !== this.#replicaProblem) this.#options.onReplicas(problem);
    this.#replicaProblem = problem;
  }

  #become(state: RedisState): void {
    const previous = this.#state;
    this.#state = state;
    const reasonOf = (of: RedisState): string => (of.kind === "volatile" ? of.reason : "");
    if (previous.kind !== state.kind || reasonOf(previous) !== reasonOf(state)) {
      this.#options.onChange(state);
    }
  }
}
