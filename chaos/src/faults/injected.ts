import { until } from "@reelgate/testkit/latch";
import type { FaultKind } from "../fault-kinds.ts";
import type { PlannedFault } from "../plan.ts";

/** Whether a fault did what it is there for, as seen from outside, and what was seen. */
export interface Effect {
  took: boolean;
  detail: string;
}

/** A fault that has begun. */
export interface Injected {
  /** Looks for its effect, no longer than it lasts. */
  effect(withinMs: number): Promise<Effect>;
  /** Ends it. What it did to processes that still run must be over by then. */
  heal(): Promise<void>;
}

/** Begins a fault. */
export type Inject = (fault: PlannedFault) => Promise<Injected>;
export type Injectors = Partial<Record<FaultKind, Inject>>;

/** The effect of a fault that is over as soon as it was done. */
export function done(effect: Effect, heal: () => Promise<void> = async () => {}): Injected {
  return { effect: () => Promise.resolve(effect), heal };
}

/** Polls until the effect is seen; without it when the time is over. */
export async function seen(
  detail: string,
  withinMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<Effect> {
  try {
    await until(condition, { timeoutMs: withinMs, intervalMs: 50 });
    return { took: true, detail };
  } catch {
    return { took: false, detail: `not seen: ${detail}` };
  }
}
