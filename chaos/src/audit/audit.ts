import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { createApiClient } from "@reelgate/simulator/api-client";
import type { SendLog } from "@reelgate/simulator/send";
import { verifyRun } from "@reelgate/simulator/verify";
import { auditByCommand } from "@reelgate/testkit/audit-command";
import { leftText } from "../drain.ts";
import type { Drained } from "../drain.ts";
import type { Load, PlannedLoad } from "../load.ts";
import type { Place } from "../place.ts";
import type { Product } from "../product.ts";
import type { FaultOutcome } from "../run-faults.ts";
import type { Violation } from "./checks.ts";
import { checkFaults } from "./faults.ts";
import { checkDeliveries, checkExpired, checkOutcomes, readCatalogue } from "./outcomes.ts";
import { checkStoredFiles } from "./stored-files.ts";

export interface AuditOptions {
  product: Product;
  place: Place;
  db: CatalogueDatabase;
  planned: PlannedLoad;
  load: Load;
  log: SendLog;
  faults: readonly FaultOutcome[];
  drained: Drained;
  signal: AbortSignal;
}

export interface Audited {
  violations: Violation[];
  recordings: number;
  /** Outcomes in the catalogue. */
  outcomes: number;
  storedFiles: number;
}

/** The catalogue had the time to settle before: what is not there now is not coming. */
const VERIFY_TIMEOUT_MS = 2000;

/**
 * Holds everything that the sender knows against the catalogue, the queues and the storage: by its own count, by the
 * operator's audit, and by the simulator's verification through the dashboard.
 */
export async function auditRun(options: AuditOptions): Promise<Audited> {
  const { product, place, db, planned, load, log, drained } = options;
  const { plan } = planned;
  const catalogued = await readCatalogue(db);
  const { recordings } = catalogued;
  const files = await checkStoredFiles(place.storageDir, recordings, plan.originFiles);
  const violations: Violation[] = [
    ...checkFaults(options.faults),
    ...(drained.left === null
      ? []
      : [{ check: "drained" as const, id: "system", detail: `left: ${leftText(drained.left)}` }]),
    ...checkDeliveries(plan, log),
    ...checkOutcomes(plan, log, catalogued, (id) => load.acknowledgement(id)),
    ...checkExpired(load, catalogued),
    ...files,
    ...(await byCommand(product, log)),
    ...(await bySimulator(options)),
    ...[...product.apps.values()].flatMap(({ name, crashes }) =>
      crashes.map((detail): Violation => ({ check: "healed", id: name, detail })),
    ),
  ];
  return {
    violations,
    recordings: recordings.length,
    outcomes: catalogued.callbacks.length,
    storedFiles: recordings.filter(({ stored }) => stored !== null).length,
  };
}

async function byCommand({ redis, postgres }: Product, log: SendLog): Promise<Violation[]> {
  const acknowledged = [...log.bodies.values()].filter((body) => body.acknowledged);
  const { code, violations } = await auditByCommand(
    { redis, databaseUrl: postgres.url },
    acknowledged.map(({ id }) => id),
  );
  if (code !== 0 && violations.length === 0) {
    return [{ check: "command", id: "reelgate audit", detail: `ended with ${code}` }];
  }
  return violations.map((line) => {
    const { kind, id, detail } = JSON.parse(line) as Readonly<Record<string, string>>;
    return { check: "command", id: String(id), detail: `${kind}: ${detail}` };
  });
}

async function bySimulator(options: AuditOptions): Promise<Violation[]> {
  const api = createApiClient(options.product.dashboard);
  try {
    const { deviations } = await verifyRun({
      plan: options.planned.plan,
      log: options.log,
      api,
      timeoutMs: VERIFY_TIMEOUT_MS,
      signal: options.signal,
    });
    return deviations.map(({ kind, subject, expected, found }) => ({
      check: "simulator",
      id: subject,
      detail: `${kind}: expected ${expected}, found ${found}`,
    }));
  } finally {
    await api.close();
  }
}
