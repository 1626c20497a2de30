/** How Redis is set up for a run. */
export const TOPOLOGIES = ["single", "sentinel", "cluster"] as const;
export type Topology = (typeof TOPOLOGIES)[number];

/** What a fault can hit. The links are the connections of one app to one server. */
export const TARGETS = [
  "ingress-1",
  "ingress-2",
  "worker-1",
  "worker-2",
  "redis",
  "postgres",
  "ingress-1>redis",
  "ingress-2>redis",
  "worker-1>redis",
  "worker-2>redis",
  "worker-1>postgres",
  "worker-2>postgres",
  "spool-1",
  "spool-2",
  "sender's clock",
] as const;
export type Target = (typeof TARGETS)[number];

/** In the order in which they are shown. */
export const FAULT_KIND_NAMES = [
  "ingress-kill",
  "ingress-stop",
  "worker-kill",
  "worker-stop",
  "worker-freeze",
  "redis-kill",
  "redis-stop",
  "redis-oom",
  "redis-half-open",
  "redis-blackhole",
  "redis-reset",
  "redis-slow",
  "postgres-kill",
  "postgres-stop",
  "postgres-half-open",
  "postgres-blackhole",
  "postgres-reset",
  "postgres-slow",
  "disk-full",
  "clock-behind",
  "clock-ahead",
  "master-kill",
  "master-stop",
  "replica-kill",
  "failover",
] as const;
export type FaultKind = (typeof FAULT_KIND_NAMES)[number];

export interface FaultKindFacts {
  what: string;
  targets: readonly Target[];
  /** Of the fault, from and to, in milliseconds. Of a kill it is how long the server stays away. */
  durationMs: readonly [number, number];
  /** What the target is left alone for afterwards. */
  healMs: number;
  topologies: readonly Topology[];
  /** Runs shorter than this have no room for it. */
  leastMinutes?: number;
  /** A target that a fault of this kind takes beside its own. */
  takesAlso?: (target: Target) => Target;
}

const INGRESSES = ["ingress-1", "ingress-2"] as const;
const WORKERS = ["worker-1", "worker-2"] as const;
const REDIS_LINKS = [
  "ingress-1>redis",
  "ingress-2>redis",
  "worker-1>redis",
  "worker-2>redis",
] as const;
const POSTGRES_LINKS = ["worker-1>postgres", "worker-2>postgres"] as const;
const ALL = TOPOLOGIES;
/** The clients of Sentinel and Cluster connect to the addresses that the nodes announce: no proxy is on their way. */
const ONE_NODE = ["single"] as const;
const MANY_NODES = ["sentinel", "cluster"] as const;

/** Longer than the 30 s for which a job's lock is held: its work is taken up by another while it stands still. */
const PAST_A_LOCK_MS = [33_000, 38_000] as const;

/** What each kind of fault is: plans, help and results are made from it. */
export const FAULT_KINDS: Readonly<Record<FaultKind, FaultKindFacts>> = {
  "ingress-kill": {
    what: "SIGKILL of an ingress; the supervisor starts it again",
    targets: INGRESSES,
    durationMs: [0, 0],
    healMs: 5000,
    topologies: ALL,
  },
  "ingress-stop": {
    what: "SIGSTOP of an ingress, then SIGCONT",
    targets: INGRESSES,
    durationMs: [1000, 6000],
    healMs: 3000,
    topologies: ALL,
  },
  "worker-kill": {
    what: "SIGKILL of a worker; the supervisor starts it again",
    targets: WORKERS,
    durationMs: [0, 0],
    healMs: 5000,
    topologies: ALL,
  },
  "worker-stop": {
    what: "SIGSTOP of a worker, then SIGCONT",
    targets: WORKERS,
    durationMs: [1000, 8000],
    healMs: 3000,
    topologies: ALL,
  },
  "worker-freeze": {
    what: "SIGSTOP of a worker for longer than its locks last, then SIGCONT",
    targets: WORKERS,
    durationMs: PAST_A_LOCK_MS,
    healMs: 5000,
    topologies: ALL,
    leastMinutes: 2,
  },
  "redis-kill": {
    what: "SIGKILL of Redis, and a start on the same data",
    targets: ["redis"],
    durationMs: [500, 4000],
    healMs: 4000,
    topologies: ONE_NODE,
  },
  "redis-stop": {
    what: "SIGSTOP of Redis, then SIGCONT",
    targets: ["redis"],
    durationMs: [1000, 5000],
    healMs: 3000,
    topologies: ONE_NODE,
  },
  "redis-oom": {
    what: "maxmemory below what Redis holds, and then without a limit again",
    targets: ["redis"],
    durationMs: [1000, 5000],
    healMs: 3000,
    topologies: ALL,
  },
  "redis-half-open": {
    what: "the answers of Redis to one app are lost",
    targets: REDIS_LINKS,
    durationMs: [1000, 5000],
    healMs: 3000,
    topologies: ONE_NODE,
  },
  "redis-blackhole": {
    what: "nothing passes between one app and Redis, and all of it later",
    targets: REDIS_LINKS,
    durationMs: [1000, 5000],
    healMs: 3000,
    topologies: ONE_NODE,
  },
  "redis-reset": {
    what: "connections of one app to Redis are reset",
    targets: REDIS_LINKS,
    durationMs: [500, 3000],
    healMs: 3000,
    topologies: ONE_NODE,
  },
  "redis-slow": {
    what: "150 ms each way between one app and Redis",
    targets: REDIS_LINKS,
    durationMs: [2000, 6000],
    healMs: 2000,
    topologies: ONE_NODE,
  },
  "postgres-kill": {
    what: "SIGKILL of Postgres, and a start on the same data",
    targets: ["postgres"],
    durationMs: [500, 4000],
    healMs: 5000,
    topologies: ALL,
  },
  "postgres-stop": {
    what: "SIGSTOP of every process of Postgres, then SIGCONT",
    targets: ["postgres"],
    durationMs: [1000, 5000],
    healMs: 3000,
    topologies: ALL,
  },
  "postgres-half-open": {
    what: "the answers of Postgres to one worker are lost",
    targets: POSTGRES_LINKS,
    durationMs: [1000, 5000],
    healMs: 3000,
    topologies: ALL,
  },
  "postgres-blackhole": {
    what: "nothing passes between one worker and Postgres, and all of it later",
    targets: POSTGRES_LINKS,
    durationMs: [1000, 5000],
    healMs: 3000,
    topologies: ALL,
  },
  "postgres-reset": {
    what: "connections of one worker to Postgres are reset",
    targets: POSTGRES_LINKS,
    durationMs: [500, 3000],
    healMs: 3000,
    topologies: ALL,
  },
  "postgres-slow": {
    what: "150 ms each way between one worker and Postgres",
    targets: POSTGRES_LINKS,
    durationMs: [2000, 6000],
    healMs: 2000,
    topologies: ALL,
  },
  "disk-full": {
    what: "no room left on the disk of a spool, while its ingress cannot reach Redis",
    targets: ["spool-1", "spool-2"],
    durationMs: [2000, 5000],
    healMs: 4000,
    topologies: ONE_NODE,
    takesAlso: (target) => (target === "spool-1" ? "ingress-1>redis" : "ingress-2>redis"),
  },
  "clock-behind": {
    what: "the sender's clock is 11 to 60 minutes behind: what it signs has expired",
    targets: ["sender's clock"],
    durationMs: [1500, 4000],
    healMs: 3000,
    topologies: ALL,
  },
  "clock-ahead": {
    what: "the sender's clock is 1 to 60 minutes ahead",
    targets: ["sender's clock"],
    durationMs: [1500, 4000],
    healMs: 3000,
    topologies: ALL,
  },
  "master-kill": {
    what: "SIGKILL of a master; it comes back, as a replica if another took over",
    targets: ["redis"],
    durationMs: [1000, 8000],
    healMs: 8000,
    topologies: MANY_NODES,
  },
  "master-stop": {
    what: "SIGSTOP of a master, then SIGCONT",
    targets: ["redis"],
    durationMs: [1000, 8000],
    healMs: 8000,
    topologies: MANY_NODES,
  },
  "replica-kill": {
    what: "SIGKILL of a replica, and a start on the same data",
    targets: ["redis"],
    durationMs: [500, 4000],
    healMs: 5000,
    topologies: MANY_NODES,
  },
  failover: {
    what: "a replica takes over on command",
    targets: ["redis"],
    durationMs: [0, 0],
    healMs: 6000,
    topologies: MANY_NODES,
  },
};

/** Of the kinds, those that a run of this topology and length has room for. */
export function kindsFor(
  topology: Topology,
  minutes: number,
  wanted: readonly FaultKind[] = FAULT_KIND_NAMES,
): FaultKind[] {
  return wanted.filter((kind) => {
    const { topologies, leastMinutes = 0 } = FAULT_KINDS[kind];
    return topologies.includes(topology) && minutes >= leastMinutes;
  });
}

/** Every target that a fault takes. */
export function targetsOf(kind: FaultKind, target: Target): Target[] {
  const also = FAULT_KINDS[kind].takesAlso?.(target);
  return also === undefined ? [target] : [target, also];
}
