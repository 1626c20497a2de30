import { checkRedisDurability } from "@reelgate/shared/redis";
import type { Redis } from "@reelgate/shared/redis";
import type { RedisState } from "../telemetry.ts";

export interface ServerWatchOptions {
  server: Redis;
  onChange: () => void;
  /** A connection that is ready again may lead to another server: whatever was known is asked anew. */
  onReady: () => void;
  /** How often a server that stays connected is asked again for its configuration, in milliseconds. */
  recheckMs: number;
}

/**
 * Knows at any moment, without asking, whether what comes over one connection is on the disk of who sent it.
 *
 * A connection that is lost takes what was known with it: the next one may lead to another Redis. From `ready` until the
 * check has ended the state is `unconfirmed`, and a check that fails is repeated at the next turn.
 */
export class ServerWatch implements Disposable {
  readonly #options: ServerWatchOptions;
  #state: RedisState = { kind: "away" };
  /** Counts connections: the answer to a check of an earlier one says nothing of this one. */
  #connection = 0;
  #checking = false;
  #checkedAtMs = -Infinity;

  constructor(options: ServerWatchOptions) {
    this.#options = options;
    options.server.on("ready", this.#onReady);
    options.server.on("close", this.#onClose);
    if (options.server.status === "ready") {
      this.#state = { kind: "unconfirmed" };
      void this.#check();
    }
  }

  get state(): RedisState {
    return this.#state;
  }

  /** Asks what is due. */
  turn(): void {
    if (this.#state.kind === "away") return;
    const ageMs = performance.now() - this.#checkedAtMs;
    if (this.#state.kind === "unconfirmed" || ageMs >= this.#options.recheckMs) void this.#check();
  }

  [Symbol.dispose](): void {
    this.#options.server.off("ready", this.#onReady);
    this.#options.server.off("close", this.#onClose);
  }

  readonly #onReady = (): void => {
    this.#connection++;
    this.#checking = false;
    this.#become({ kind: "unconfirmed" });
    void this.#check();
    this.#options.onReady();
  };

  readonly #onClose = (): void => {
    this.#connection++;
    this.#become({ kind: "away" });
  };

  async #check(): Promise<void> {
    if (this.#checking) return;
    this.#checking = true;
    const connection = this.#connection;
    try {
      const durability = await checkRedisDurability(this.#options.server);
      if (connection !== this.#connection) return;
      this.#checkedAtMs = performance.now();
      this.#become(
        durability.durable ? { kind: "durable" } : { kind: "volatile", reason: durability.reason },
      );
    } catch {
      // The state stays what it was: either the connection is about to be lost, or the next turn asks again.
    } finally {
      if (connection === this.#connection) this.#checking = false;
    }
  }

  #become(state: RedisState): void {
    this.#state = state;
    this.#options.onChange();
  }
}
