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
  /** So many replicas must have a write before it is acknowledged (REDIS_MIN_REPLICAS_ACK). */
  minReplicasAck: number;
  /** Of the worst of the servers that hold a shard. */
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

/** What the probe writes, in the slot of a shard. */
const PROBE_KEY = "ingress-probe";
const PROBE_LIFE_MS = 60_000;

type Layout = { known: false } | { known: true; problem: string | null };

/** The worst first. */
const SEVERITY: readonly RedisState["kind"][] = [
  "away",
  "unconfirmed",
  "other_layout",
  "volatile",
  "durable",
];

/**
 * Knows at any moment, without asking, whether a write that Redis acknowledges now is on its disk, for each shard: in a
 * cluster each is on one of the masters, and one that is away refuses its own callbacks alone.
 *
 * - The probe writes, because a Redis that is full, or became a replica, still answers everything else. It decides on
 *   readiness alone: a callback is tried in any case, and tells by itself.
 * - Too few replicas is a refusal from the first write that shows it until a probe has enough of them: each callback
 *   would otherwise wait for them to find out the same.
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
  #announcedReplicas: string | null = null;

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
    const replicaProblem = this.#watchOfShard(shard)?.replicaProblem ?? null;
    switch (state.kind) {
      case "unconfirmed":
        if (this.#options.requireDurable) return "Redis has not told yet whether it is durable";
        return replicaProblem;
      case "other_layout":
        return state.reason;
      case "volatile":
        return this.#options.requireDurable ? state.reason : replicaProblem;
      case "durable":
        return replicaProblem;
      default: {
        const unreachable: never = state;
        throw new Error(`unknown state ${String(unreachable)}`);
      }
    }
  }

  /**
   * To be called before something is written to a shard. What it returns is called afterwards, and waits until enough
   * replicas have it.
   *
   * A reply can come from another server than the one that was asked: a cluster's client follows a slot that moves. What
   * is then waited for would be the writes of a connection that has written nothing.
   *
   * @returns why it may not be acknowledged, or null.
   */
  beginCommit(shard: number): () => Promise<string | null> {
    if (this.#options.minReplicasAck === 0) return () => Promise.resolve(null);
    const before = this.#watchOfShard(shard);
    return async () => {
      const watch = this.#watchOfShard(shard);
      if (watch === null || watch !== before) {
        return "the shard moved to another server of Redis before its replicas had acknowledged";
      }
      return await watch.replicaRefusal();
    };
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
    return this.#watchOfShard(shard)?.state ?? { kind: "away" };
  }

  /** Null when there is no connection to the server that holds the shard. */
  #watchOfShard(shard: number): ServerWatch | null {
    const { server } = holderOf(this.#options.client, this.#probeKeys[shard] ?? "");
    return server === null ? null : this.#watchOf(server);
  }

  #watchOf(server: Redis): ServerWatch {
    const known = this.#watches.get(server);
    if (known !== undefined) return known;
    const watch = new ServerWatch({
      server,
      minReplicasAck: this.#options.minReplicasAck,
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
        void this.#probe(address, shard);
    });
    for (const address of this.#probes.keys()) {
      if (!probed.has(address)) this.#probes.delete(address);
    }
    void this.#checkLayout();
    this.#announce();
  };

  async #probe(address: string, shard: number): Promise<void> {
    const probe = this.#probes.get(address) ?? { running: false, problem: null };
    this.#probes.set(address, probe);
    if (probe.running) return;
    probe.running = true;
    const startedAtMs = performance.now();
    const replicaRefusal = this.beginCommit(shard);
    try {
      await this.#options.client.set(this.#probeKeys[shard] ?? "", "1", "PX", PROBE_LIFE_MS);
      probe.problem = null;
      this.#options.onWrite(performance.now() - startedAtMs);
      await replicaRefusal();
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
      this.#announce();
    } catch {
      // What was known of it still holds; the next turn asks again.
    } finally {
      this.#checkingLayout = false;
    }
  }

  #worst(): RedisState {
    const worst = this.#probeKeys
      .map((_key, shard) => this.#stateOf(shard))
      .reduce((one, other) =>
        SEVERITY.indexOf(other.kind) < SEVERITY.indexOf(one.kind) ? other : one,
      );
    if (worst.kind === "away" || worst.kind === "unconfirmed") return worst;
    if (!this.#layout.known) return { kind: "unconfirmed" };
    const { problem } = this.#layout;
    return problem === null ? worst : { kind: "other_layout", reason: problem };
  }

  #announce(): void {
    const replicaProblem =
      this.#probeKeys
        .map((_key, shard) => this.#watchOfShard(shard)?.replicaProblem ?? null)
        .find((problem) => problem !== null) ?? null;
    if (replicaProblem !== this.#announcedReplicas) this.#options.onReplicas(replicaProblem);
    this.#announcedReplicas = replicaProblem;
    const state = this.#worst();
    const previous = this.#announced;
    this.#announced = state;
    const reasonOf = (of: RedisState): string => ("reason" in of ? of.reason : "");
    if (previous.kind !== state.kind || reasonOf(previous) !== reasonOf(state)) {
      this.#options.onChange(state);
    }
  }
}
