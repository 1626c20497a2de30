import { setTimeout as delay } from "node:timers/promises";
import { errorMessage } from "@reelgate/shared/errors";
import { targetsOf } from "./fault-kinds.ts";
import type { Target } from "./fault-kinds.ts";
import type { Effect, Injectors } from "./faults/injected.ts";
import type { PlannedFault } from "./plan.ts";

/** A fault that is over. */
export interface FaultOutcome extends Effect {
  fault: PlannedFault;
  /** False when ending it failed: what it broke may be broken still. */
  isEnded: boolean;
}

export interface RunFaultsOptions {
  faults: readonly PlannedFault[];
  injectors: Injectors;
  signal: AbortSignal;
  onBegin?: (fault: PlannedFault) => void;
  onEnd?: (outcome: FaultOutcome) => void;
}

/** Later than a busy machine is by itself. */
const STOOD_STILL_MS = 1000;

/**
 * Does what the plan says, each fault at its time, and ends each of them. Resolves when all are over; a signal begins no
 * more and ends those that last.
 *
 * Healing can take longer than planned (a server reads its data first): the next fault of the same target waits for it.
 * On a machine that stood still, all that is to come is later by as much: not everything at once.
 */
export async function runFaults(options: RunFaultsOptions): Promise<FaultOutcome[]> {
  let startedMs = performance.now();
  const busy = new Map<Target, Promise<void>>();
  const outcomes: FaultOutcome[] = [];
  const all: Promise<void>[] = [];
  for (const fault of options.faults) {
    const dueMs = startedMs + fault.atMs;
    if (!(await pause(dueMs - performance.now(), options.signal))) break;
    const lateMs = performance.now() - dueMs;
    if (lateMs > STOOD_STILL_MS) startedMs += lateMs;
    const targets = targetsOf(fault.kind, fault.target);
    const free = Promise.all(targets.map((target) => busy.get(target) ?? Promise.resolve()));
    const over = free.then(async () => {
      if (options.signal.aborted) return;
      options.onBegin?.(fault);
      const outcome = { fault, ...(await runOne(fault, options)) };
      outcomes.push(outcome);
      options.onEnd?.(outcome);
    });
    for (const target of targets) busy.set(target, over);
    all.push(over);
  }
  await Promise.all(all);
  return outcomes.toSorted((a, b) => a.fault.number - b.fault.number);
}

async function runOne(
  fault: PlannedFault,
  { injectors, signal }: RunFaultsOptions,
): Promise<Omit<FaultOutcome, "fault">> {
  const inject = injectors[fault.kind];
  if (inject === undefined) return { took: false, detail: "not possible here", isEnded: true };
  let hasBegun = false;
  let healed = false;
  try {
    const injected = await inject(fault);
    hasBegun = true;
    try {
      const [effect] = await Promise.all([
        injected.effect(fault.durationMs),
        pause(fault.durationMs, signal),
      ]);
      return { ...effect, isEnded: true };
    } finally {
      await injected.heal();
      healed = true;
    }
  } catch (error) {
    const problem = healed ? "" : "; it may not be healed";
    const isEnded = healed || !hasBegun;
    return { took: false, detail: `failed: ${errorMessage(error)}${problem}`, isEnded };
  }
}

/** False when the signal came first. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(Math.max(ms, 0), undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
