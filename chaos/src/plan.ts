import { createRandom } from "@reelgate/simulator/random";
import type { Random } from "@reelgate/simulator/random";
import { FAULT_KINDS, kindsFor, targetsOf } from "./fault-kinds.ts";
import type { FaultKind, Target, Topology } from "./fault-kinds.ts";

/** Faults that are begun in each minute of a run. */
const FAULTS_PER_MINUTE = 14;
/** Faults that are there at the same time: of two ingresses, two workers and two servers some always work. */
export const MOST_AT_ONCE = 3;

export interface PlannedFault {
  /** From 1, in the order of their beginnings. */
  number: number;
  kind: FaultKind;
  target: Target;
  /** After the beginning of the load. */
  atMs: number;
  durationMs: number;
}

export interface PlanOptions {
  seed: string;
  minutes: number;
  topology: Topology;
  /** Those that may be chosen; all that the topology and the length allow otherwise. */
  kinds?: readonly FaultKind[];
}

export interface ChaosPlan {
  seed: string;
  minutes: number;
  topology: Topology;
  kinds: readonly FaultKind[];
  /** Of the load, in milliseconds. */
  durationMs: number;
  faults: readonly PlannedFault[];
}

/** The product runs undisturbed before the first fault, and after the last one while the load still comes. */
const FIRST_AT_MS = 2000;
const LAST_END_BEFORE_END_MS = 12_000;

/** What is taken until when, the time for healing included. */
type Taken = Map<Target, number>;

interface Draft {
  kind: FaultKind;
  target: Target;
  atMs: number;
  durationMs: number;
}

/**
 * Lays out the faults of a run. Pure: the same seed, length and topology give the same plan.
 *
 * The time is cut into as many turns as there are to be faults, and each turn begins one, somewhere in it. The kinds
 * come as from a pack of cards, so that a short run has many of them and a long one all of them about equally often. A
 * kind that has no free target at that time waits for a later turn.
 */
export function makePlan(options: PlanOptions): ChaosPlan {
  const { seed, minutes, topology } = options;
  const kinds = kindsFor(topology, minutes, options.kinds);
  const durationMs = Math.round(minutes * 60_000);
  const random = createRandom(`chaos/${topology}/${minutes}/${kinds.join()}/${seed}`);
  const lastEndMs = durationMs - Math.min(LAST_END_BEFORE_END_MS, durationMs / 4);
  const firstMs = Math.min(FIRST_AT_MS, durationMs / 4);
  const turns = Math.ceil(FAULTS_PER_MINUTE * minutes);
  const turnMs = (lastEndMs - firstMs) / turns;
  const taken: Taken = new Map();
  const drafts: Draft[] = [];
  let pack: FaultKind[] = [];
  for (let turn = 0; turn < turns && kinds.length > 0; turn += 1) {
    const atMs = Math.round(firstMs + (turn + random.next() * 0.8) * turnMs);
    if (pack.length < kinds.length) pack = [...pack, ...random.shuffle(kinds)];
    if (drafts.filter((one) => one.atMs + one.durationMs > atMs).length >= MOST_AT_ONCE) continue;
    const found = firstThatFits(pack, { atMs, lastEndMs, random, taken });
    if (found === null) continue;
    pack.splice(pack.indexOf(found.kind), 1);
    drafts.push(found);
    const { healMs } = FAULT_KINDS[found.kind];
    for (const target of targetsOf(found.kind, found.target)) {
      taken.set(target, found.atMs + found.durationMs + healMs);
    }
  }
  return {
    seed,
    minutes,
    topology,
    kinds,
    durationMs,
    faults: drafts.map((draft, index) => ({ number: index + 1, ...draft })),
  };
}

interface Place {
  atMs: number;
  lastEndMs: number;
  random: Random;
  taken: Taken;
}

function firstThatFits(pack: readonly FaultKind[], place: Place): Draft | null {
  const { atMs, lastEndMs, random, taken } = place;
  for (const kind of pack) {
    const { targets, durationMs: range } = FAULT_KINDS[kind];
    const free = targets.filter((target) =>
      targetsOf(kind, target).every((one) => (taken.get(one) ?? 0) <= atMs),
    );
    const [least, most] = range;
    const longest = Math.min(most, Math.floor(lastEndMs - atMs));
    if (free.length === 0 || longest < least) continue;
    return { kind, target: random.pick(free), atMs, durationMs: random.int(least, longest) };
  }
  return null;
}

/** How many faults of each kind a plan has. */
export function countByKind(faults: readonly PlannedFault[]): Map<FaultKind, number> {
  const counts = new Map<FaultKind, number>();
  for (const { kind } of faults) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}
