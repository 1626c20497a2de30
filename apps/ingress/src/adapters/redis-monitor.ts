import { besideShard } from "@reelgate/shared/contract/queue-shards";
import type { QueueShard } from "@reelgate/shared/contract/queue-shards";
import { errorMessage } from "@reelgate/shared/errors";
import type { Readiness } from "@reelgate/shared/ops-server";
import { confirmQueueLayout } from "@reelgate/shared/queue-layout";
import { holderOf } from "@reelgate/shared/redis";
import type { Redis, RedisClient } from "@reelgate/shared/redis";
import type { RedisState } from "../telemetry.ts";
import { ServerWatch } from "./server-watch.ts";

export interface RedisMonitorOptions {
  client: RedisClient;
  /** The shards that callbacks go to. */
  shards: readonly QueueShard[];
  /** Whether a Redis that is not durable may be acknowledged from (REDIS_DURABILITY=warn). */
  requireDurable: boolean;
  /** Of the worst of the servers that hold a shard. */
  onChange: (state: RedisState) => void;
  /** The probe's write was acknowledged after so many milliseconds. */
  onWrite: (durationMs: number) => void;
  /** How often a write is tried, in milliseconds. */
  probeIntervalMs?: number;
  /** How often a Redis that stays connected is asked again for its configuration, in milliseconds. */
  recheckMs?: number;
}

/** What the probe writes, in the slot of a shard. */
const PROBE_KEY = "ingress-probe";
const PROBE_LIFE_MS = 60_000;

type Layout = { known: false } | { known: true; problem: string | null };

/** The worst first. */
const SEVERITY: readonly RedisState["kind"][] = ["away", "unconfirmed", "volatile", "durable"];

/**
 * Knows at any moment, without asking, whether a write that Redis acknowledges now is on its disk, for each shard: in a
 * cluster each is on one of the masters, and one that is away refuses its own callbacks alone.
 *
 * - The probe writes, because a Redis that is full, or became a replica, still answers everything else. It decides on
 *   readiness alone: a callback is tried in any case, and tells by itself.
 * - A probe without reply makes the client give the connection up (`socketTimeout`). Without traffic nothing else would
 *   notice a half-open one. In a cluster it is also what connects to a master that is new, and what asks for it.
 * - Nothing is acknowledged before the number of shards is known to be the one that the queues were made with.
 */
export class RedisMonitor implements Disposable {
  readonly #options: RedisMonitorOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #recheckMs: number;
  readonly #probeKeys: readonly string[];
  readonly #watches = new Map<Redis, ServerWatch>();
  /** Of each server with a probe under way or behind it: what is wrong, by its address. */
  readonly #probes = new Map<string, { running: boolean; problem: string | null }>();
  #layout: Layout = { known: false };
  #layoutCheckedAtMs = -Infinity;
  #checkingLayout = false;
  #announced: RedisState = { kind: "away" };

  constructor(options: RedisMonitorOptions) {
    this.#options = options;
    this.#recheckMs = options.recheckMs ?? 30_000;
    this.#probeKeys = options.shards.map((shard) => besideShard(shard, PROBE_KEY));
    options.client.on("ready", this.#turn);
    this.#timer = setInterval(this.#turn, options.probeIntervalMs ?? 1000);
    this.#turn();
  }

  /** Why nothing may be acknowledged now for a shard, by its index, or null when it may. */
  refusal(shard: number): string | null {
    const state = this.#stateOf(shard);
    if (state.kind === "away") return "Redis is not connected";
    if (!this.#layout.known) return "Redis has not told yet how many shards its queues have";
    if (this.#layout.problem !== null) return this.#layout.problem;
    if (!this.#options.requireDurable) return null;
    switch (state.kind) {
      case "unconfirmed":
        return "Redis has not told yet whether it is durable";
      case "volatile":
        return state.reason;
      case "durable":
        return null;
      default: {
        const unreachable: never = state;
        throw new Error(`unknown state ${String(unreachable)}`);
      }
    }
  }

  readiness(): Readiness {
    const problems = this.#probeKeys.map((_key, shard) => this.#problemOf(shard));
    const reasons = [...new Set(problems.filter((problem) => problem !== null))];
    const refused = problems.filter((problem) => problem !== null).length;
    if (refused === problems.length) return { ready: false, reasons };
    const notes = reasons.map((reason) => `${refused} of ${problems.length} shards: ${reason}`);
    const state = this.#worst();
    if (state.kind === "volatile") notes.push(state.reason);
    return notes.length === 0 ? { ready: true } : { ready: true, notes };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#options.client.off("ready", this.#turn);
    for (const watch of this.#watches.values()) watch[Symbol.dispose]();
  }

  #problemOf(shard: number): string | null {
    const { address } = holderOf(this.#options.client, this.#probeKeys[shard] ?? "");
    return this.refusal(shard) ?? this.#probes.get(address)?.problem ?? null;
  }

  #stateOf(shard: number): RedisState {
    const { server } = holderOf(this.#options.client, this.#probeKeys[shard] ?? "");
    return server === null ? { kind: "away" } : this.#watchOf(server).state;
  }

  #watchOf(server: Redis): ServerWatch {
    const known = this.#watches.get(server);
    if (known !== undefined) return known;
    const watch = new ServerWatch({
      server,
      recheckMs: this.#recheckMs,
      onChange: () => this.#announce(),
      onReady: this.#turn,
    });
    this.#watches.set(server, watch);
    // The client of a cluster makes a new connection object in place of one that ended.
    server.once("end", () => {
      watch[Symbol.dispose]();
      this.#watches.delete(server);
      this.#announce();
    });
    return watch;
  }

  readonly #turn = (): void => {
    const probed = new Set<string>();
    this.#probeKeys.forEach((key, shard) => {
      const { address, server } = holderOf(this.#options.client, key);
      if (probed.has(address)) return;
      probed.add(address);
      if (server !== null) this.#watchOf(server).turn();
      // A client of one server connects by itself, and has nothing to send before.
      const isConnectedByProbe = server === null || address !== "";
      if (isConnectedByProbe || this.#stateOf(shard).kind !== "away")
        void this.#probe(address, key);
    });
    for (const address of this.#probes.keys()) {
      if (!probed.has(address)) this.#probes.delete(address);
    }
    void this.#checkLayout();
    this.#announce();
  };

  async #probe(address: string, key: string): Promise<void> {
    const probe = this.#probes.get(address) ?? { running: false, problem: null };
    this.#probes.set(address, probe);
    if (probe.running) return;
    probe.running = true;
    const startedAtMs = performance.now();
    try {
      await this.#options.client.set(key, "1", "PX", PROBE_LIFE_MS);
      probe.problem = null;
      this.#options.onWrite(performance.now() - startedAtMs);
    } catch (error) {
      probe.problem = `Redis takes no writes: ${errorMessage(error)}`;
    } finally {
      probe.running = false;
    }
  }

  async #checkLayout(): Promise<void> {
    const isDue = performance.now() - this.#layoutCheckedAtMs >= this.#recheckMs;
    const { client, shards } = this.#options;
    if (this.#checkingLayout || client.status !== "ready" || (this.#layout.known && !isDue)) return;
    this.#checkingLayout = true;
    try {
      const layout = await confirmQueueLayout(client, shards.length);
      this.#layoutCheckedAtMs = performance.now();
      this.#layout = { known: true, problem: layout.agrees ? null : layout.problem };
    } catch {
      // What was known of it still holds; the next turn asks again.
    } finally {
      this.#checkingLayout = false;
    }
  }

  #worst(): RedisState {
    return this.#probeKeys
      .map((_key, shard) => this.#stateOf(shard))
      .reduce((worst, state) =>
        SEVERITY.indexOf(state.kind) < SEVERITY.indexOf(worst.kind) ? state : worst,
      );
  }

  #announce(): void {
    const state = this.#worst();
    const previous = this.#announced;
    this.#announced = state;
    const reasonOf = (of: RedisState): string => (of.kind === "volatile" ? of.reason : "");
    if (previous.kind !== state.kind || reasonOf(previous) !== reasonOf(state)) {
      this.#options.onChange(state);
    }
  }
}
