import { errorMessage } from "@reelgate/shared/errors";
import type { Readiness } from "@reelgate/shared/ops-server";
import { checkRedisDurability } from "@reelgate/shared/redis";
import type { Redis } from "@reelgate/shared/redis";
import type { RedisState } from "../telemetry.ts";

export interface RedisMonitorOptions {
  client: Redis;
  /** Whether a Redis that is not durable may be acknowledged from (REDIS_DURABILITY=warn). */
  requireDurable: boolean;
  onChange: (state: RedisState) => void;
  /** How often Redis is asked whether it is there, in milliseconds. */
  heartbeatMs?: number;
  /** How often a Redis that stays connected is asked again for its configuration, in milliseconds. */
  recheckMs?: number;
}

/**
 * Knows at any moment, without asking, whether a write that Redis acknowledges now is on its disk.
 *
 * - A connection that is lost takes what was known with it: the next one may lead to another Redis. From `ready` until
 *   the check has ended the state is `unconfirmed`, and a check that fails is repeated with every heartbeat.
 * - The heartbeat is there to be missed: the client gives a connection up when a command on it stays without reply
 *   (`socketTimeout`), and without traffic nobody would notice a half-open one.
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
  #pinging = false;

  constructor(options: RedisMonitorOptions) {
    this.#options = options;
    this.#recheckMs = options.recheckMs ?? 30_000;
    options.client.on("ready", this.#onReady);
    options.client.on("close", this.#onClose);
    this.#timer = setInterval(() => this.#beat(), options.heartbeatMs ?? 1000);
    if (options.client.status === "ready") this.#onReady();
  }

  /** Why nothing may be acknowledged now, or null when it may. */
  refusal(): string | null {
    switch (this.#state.kind) {
      case "away":
        return "Redis is not connected";
      case "unconfirmed":
        return this.#options.requireDurable ? "Redis has not told yet whether it is durable" : null;
      case "volatile":
        return this.#options.requireDurable ? this.#state.reason : null;
      case "durable":
        return null;
      default: {
        const unreachable: never = this.#state;
        throw new Error(`unknown state ${String(unreachable)}`);
      }
    }
  }

  readiness(): Readiness {
    const refusal = this.refusal();
    if (refusal !== null) return { ready: false, reasons: [refusal] };
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
    this.#become({ kind: "unconfirmed" });
    void this.#check();
  };

  readonly #onClose = (): void => {
    this.#connection++;
    this.#become({ kind: "away" });
  };

  #beat(): void {
    if (this.#state.kind === "away") return;
    void this.#ping();
    const age = performance.now() - this.#checkedAtMs;
    if (this.#state.kind === "unconfirmed" || age >= this.#recheckMs) void this.#check();
  }

  async #ping(): Promise<void> {
    if (this.#pinging) return;
    this.#pinging = true;
    // Any reply will do, an error too; to a missing one the client reacts itself.
    await this.#options.client.ping().catch(() => undefined);
    this.#pinging = false;
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
    } catch (error) {
      // The state stays what it was: either the connection is about to be lost, or the next beat asks again.
      if (connection === this.#connection && this.#state.kind === "volatile") {
        this.#become({ kind: "volatile", reason: errorMessage(error) });
      }
    } finally {
      if (connection === this.#connection) this.#checking = false;
    }
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
