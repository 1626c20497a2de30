import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { allCallbacks, allRecordings } from "@reelgate/testkit/catalogue-audit";
import type { Callback, Recording } from "@reelgate/shared/contract/recording";
import type { Plan } from "@reelgate/simulator/plan";
import type { SendLog } from "@reelgate/simulator/send";
import type { Load } from "../load.ts";
import type { Violation } from "./checks.ts";

/** The catalogue's side of a run. */
export interface Catalogued {
  callbacks: readonly Callback[];
  recordings: readonly Recording[];
}

export async function readCatalogue(db: CatalogueDatabase): Promise<Catalogued> {
  return { callbacks: await allCallbacks(db), recordings: await allRecordings(db) };
}

/** Guarantees G1 to G3 in numbers: what the sender knows against what the catalogue has. */
export function checkOutcomes(
  plan: Plan,
  log: SendLog,
  { callbacks, recordings }: Catalogued,
  acknowledgement: Load["acknowledgement"],
): Violation[] {
  const violations: Violation[] = [];
  const seen = new Set<string>();
  const identities = new Set<string>();
  const named = new Map<string, number>();
  for (const { id, recordingId, outcome } of callbacks) {
    const body = log.bodies.get(id);
    if (seen.has(id)) violations.push({ check: "doubled", id, detail: "two outcomes" });
    if (body === undefined) {
      violations.push({ check: "doubled", id, detail: `${outcome}, and it was never sent` });
    }
    seen.add(id);
    if (recordingId !== null) named.set(recordingId, (named.get(recordingId) ?? 0) + 1);
    const expect = body === undefined ? undefined : plan.callbacks[body.callback]?.expect;
    if (expect?.kind === "recording") identities.add(expect.recording);
  }
  for (const { id, acknowledged } of log.bodies.values()) {
    if (acknowledged && !seen.has(id)) {
      const detail = `answered 200 ${acknowledgement(id) ?? ""}, and without an outcome`;
      violations.push({ check: "acknowledged", id, detail });
    }
  }
  for (const { id, callbackCount } of recordings) {
    const count = named.get(id) ?? 0;
    if (count !== callbackCount) {
      const detail = `says it has ${callbackCount} callbacks, and ${count} name it`;
      violations.push({ check: "identities", id: `recording ${id}`, detail });
    }
  }
  if (recordings.length !== identities.size) {
    violations.push({
      check: "identities",
      id: "recordings",
      detail: `${recordings.length} for ${identities.size} distinct identities`,
    });
  }
  return violations;
}

/** Every delivery ended as the plan says: accepted, or refused for what is wrong with it. */
export function checkDeliveries(plan: Plan, log: SendLog): Violation[] {
  return log.deliveries
    .filter(({ verdict }) => verdict !== "as_planned")
    .map(({ callback, answer, attempts, verdict }) => ({
      check: "delivered",
      id: idOf(log, callback),
      detail: `${plan.callbacks[callback]?.label}: ${verdict}, at last ${answer.status ?? answer.error} after ${attempts} attempts`,
    }));
}

function idOf(log: SendLog, callback: number): string {
  for (const body of log.bodies.values()) if (body.callback === callback) return body.id;
  return `callback ${callback}`;
}

/** `t` is all that protects from what was captured: what had expired is neither answered 200 nor in the catalogue. */
export function checkExpired(
  load: Pick<Load, "expired" | "expiredAccepted">,
  { callbacks }: Catalogued,
): Violation[] {
  return [
    ...load.expiredAccepted.map(({ id, expiredForS }): Violation => ({
      check: "expired",
      id,
      detail: `answered 200, ${expiredForS.toFixed(1)} s after its t`,
    })),
    ...callbacks
      .filter(({ id }) => load.expired.has(id))
      .map(({ id, outcome }): Violation => ({
        check: "expired",
        id,
        detail: `was only sent after its t, and ended as ${outcome}`,
      })),
  ];
}
