import type { PlannedFault } from "../plan.ts";
import { seen } from "./injected.ts";
import type { Inject, Injectors } from "./injected.ts";

/** The sender's clock, and what the receivers made of it. */
export interface SenderClock {
  /** What it is ahead by, in seconds. */
  offsetS: number;
  /** True callbacks that were refused because what they are signed with has expired. */
  readonly refusedAsExpired: number;
  /** Callbacks that were accepted though they are signed by a clock that is ahead. */
  readonly acceptedFromAhead: number;
}

/** Minutes out of the fault's own time, so that the plan says all of it. */
const minutesOf = ({ atMs }: PlannedFault, least: number): number => least + (atMs % (61 - least));

/**
 * The receiver's clock against the sender's is all that `t` depends on, so moving one of them is moving either. That of
 * the sender is ours to move.
 */
export function clockFaults(clock: SenderClock): Injectors {
  const jump =
    (least: number, sign: 1 | -1, count: () => number, detail: string): Inject =>
    (fault) => {
      const minutes = minutesOf(fault, least);
      const before = count();
      clock.offsetS = sign * minutes * 60;
      return Promise.resolve({
        effect: (withinMs) => seen(`${minutes} min, ${detail}`, withinMs, () => count() > before),
        heal: () => {
          clock.offsetS = 0;
          return Promise.resolve();
        },
      });
    };
  return {
    "clock-behind": jump(11, -1, () => clock.refusedAsExpired, "callbacks were refused as expired"),
    "clock-ahead": jump(1, 1, () => clock.acceptedFromAhead, "callbacks were accepted"),
  };
}
