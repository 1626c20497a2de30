import type { FaultOutcome } from "../run-faults.ts";
import type { Violation } from "./checks.ts";

/** Of all faults: on a busy machine some are over before they can be seen, or cannot be had there. */
const LEAST_SHARE = 0.5;

/** A run whose faults did nothing proves nothing, and one that goes on with a fault says nothing of healing. */
export function checkFaults(faults: readonly FaultOutcome[]): Violation[] {
  const effective = faults.filter(({ took }) => took).length;
  const violations = faults
    .filter(({ isEnded }) => !isEnded)
    .map(({ fault, detail }): Violation => ({
      check: "disturbed",
      id: `#${fault.number} ${fault.kind} of ${fault.target}`,
      detail,
    }));
  if (effective < faults.length * LEAST_SHARE) {
    const detail = `${effective} of ${faults.length} took effect`;
    violations.push({ check: "disturbed", id: "faults", detail });
  }
  return violations;
}
