import { rm } from "node:fs/promises";
import { join } from "node:path";
import { closeDatabase, openDatabase } from "@reelgate/catalogue/database";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { openLogFile } from "@reelgate/launcher/log-file";
import { errorMessage } from "@reelgate/shared/errors";
import { withinMs } from "@reelgate/shared/lifecycle";
import type { Progress } from "@reelgate/shared/progress";
import { auditRun } from "./audit/audit.ts";
import type { Audited } from "./audit/audit.ts";
import { drain } from "./drain.ts";
import type { Drained } from "./drain.ts";
import type { FaultKind, Topology } from "./fault-kinds.ts";
import { appFaults } from "./faults/app-faults.ts";
import { clockFaults } from "./faults/clock-faults.ts";
import type { Injectors } from "./faults/injected.ts";
import { spoolFaults } from "./faults/spool-faults.ts";
import { planLoad, startLoad } from "./load.ts";
import type { Load, PlannedLoad } from "./load.ts";
import { makePlace } from "./place.ts";
import type { Place } from "./place.ts";
import { makePlan } from "./plan.ts";
import type { ChaosPlan } from "./plan.ts";
import { CALLBACK_KEY, startProduct } from "./product.ts";
import type { Product } from "./product.ts";
import { checksOf, planText } from "./report.ts";
import type { ChaosReport } from "./report.ts";
import { runFaults } from "./run-faults.ts";
import type { FaultOutcome } from "./run-faults.ts";
import { redisOf } from "./topologies/topology.ts";

export interface ChaosFlags {
  seed: string;
  minutes: number;
  topology: Topology;
  ratePerS: number;
  kinds: readonly FaultKind[];
  /** Null: a temporary folder. */
  dataDir: string | null;
  keep: boolean;
}

/** A run at rest, before it is audited. */
export interface AtRest {
  db: CatalogueDatabase;
  place: Place;
  product: Product;
}

export interface ChaosContext extends Pick<Place, "env" | "send"> {
  /** Lines for people, such as the plan. */
  note: (text: string) => void;
  progress: Progress;
  /** Ends the run early: what was done is healed, stopped and removed, and nothing is audited. */
  signal: AbortSignal;
  /** For the tests of the audit: breaks something that it has to find. */
  beforeAudit?: (run: AtRest) => Promise<void>;
}

/** Everything is healed by then: when nothing was accepted for so long, nothing will be. */
const NO_DELIVERY_MS = 90_000;

/**
 * One whole run: servers, product, load and faults, then rest and audit.
 *
 * @throws the reason of the signal; AppError when something cannot be started.
 */
export async function runChaos(flags: ChaosFlags, context: ChaosContext): Promise<ChaosReport> {
  const plan = makePlan(flags);
  const place = await makePlace(flags.dataDir, context);
  let isKept = true;
  try {
    const report = await runIn(place, plan, flags, context);
    isKept = flags.keep || !report.ok;
    return { ...report, keptIn: isKept ? place.dataDir : null };
  } catch (error) {
    isKept = flags.keep || !context.signal.aborted;
    if (isKept) context.note(`Data and logs: ${place.dataDir}`);
    throw error;
  } finally {
    if (!isKept) await rm(place.dataDir, { recursive: true, force: true });
  }
}

async function runIn(
  place: Place,
  plan: ChaosPlan,
  flags: ChaosFlags,
  context: ChaosContext,
): Promise<ChaosReport> {
  const { signal } = context;
  await using opened = new AsyncDisposableStack();
  const log = opened.use(openLogFile(join(place.logDir, "run.log")));
  const record = (line: string): void => log.write(`${new Date().toISOString()} ${line}`);
  const deliveries = Math.ceil(flags.minutes * 60 * flags.ratePerS);
  const planned = opened.use(await planLoad(flags.seed, deliveries));
  context.note("Starting Redis, Postgres and the apps ...");
  const product = opened.use(
    await startProduct({
      place,
      startRedis: redisOf(flags.topology),
      originHost: new URL(planned.origin.baseUrl).host,
      note: record,
    }),
  );
  signal.throwIfAborted();
  context.note(planText(plan, flags.ratePerS, limitsOf(product)));
  const { load, faults } = await disturb(product, planned, plan, flags, { ...context, record });
  const sent = await load.log;
  signal.throwIfAborted();
  const db = opened.adopt(catalogueOf(product), closeDatabase);
  context.note("Waiting until everything is at rest ...");
  const drained = await drain(product, db, record, signal);
  signal.throwIfAborted();
  await context.beforeAudit?.({ db, place, product });
  context.note("Auditing ...");
  const audited = await auditRun({
    product,
    place,
    db,
    planned,
    load,
    log: sent,
    faults,
    drained,
    signal,
  });
  if (audited.violations.length > 0) await keepSpools(product, place);
  const report = reportOf(flags, faults, load, audited, drained);
  record(JSON.stringify(report));
  return {
    ...report,
    callbacks: { ...report.callbacks, deliveries: sent.deliveries.length, sent: sent.bodies.size },
  };
}

function catalogueOf(product: Product): CatalogueDatabase {
  return openDatabase({
    url: product.postgres.url,
    poolSize: 2,
    statementTimeoutMs: 60_000,
    applicationName: "chaos",
    onError: () => {},
  });
}

function limitsOf({ redis, spools }: Product): string[] {
  const ofSpools = [...spools.values()].flatMap(({ limit }) => limit ?? []);
  return [...redis.limits, ...new Set(ofSpools.map((limit) => `disk-full: ${limit}`))];
}

/** Their disks are gone with the run. */
async function keepSpools({ spools }: Product, place: Place): Promise<void> {
  for (const [name, spool] of spools) await spool.keep(join(place.dataDir, `kept-spool-${name}`));
}

interface Disturbance {
  load: Load;
  faults: FaultOutcome[];
}

/** Load and faults together; both are over when it resolves. */
async function disturb(
  product: Product,
  planned: PlannedLoad,
  plan: ChaosPlan,
  flags: ChaosFlags,
  context: ChaosContext & { record: (line: string) => void },
): Promise<Disturbance> {
  const { record, progress, signal } = context;
  const ending = new AbortController();
  signal.addEventListener("abort", () => ending.abort(signal.reason), { once: true });
  const [first = "", ...others] = product.callbackUrls.values();
  const load = startLoad({
    plan: planned.plan,
    urls: [first, ...others],
    key: CALLBACK_KEY,
    ratePerS: flags.ratePerS,
    signal: ending.signal,
  });
  const current = new Set<string>();
  const startedMs = performance.now();
  progress.start("Chaos", Math.ceil(plan.durationMs / 1000));
  const show = setInterval(() => {
    const elapsedS = Math.floor((performance.now() - startedMs) / 1000);
    const text = [...current].join(", ") || "no fault now";
    progress.update(
      Math.min(elapsedS, Math.ceil(plan.durationMs / 1000)),
      `s | ${load.delivered} delivered, ${load.acknowledged} acknowledged | ${text}`,
    );
  }, 500);
  try {
    const faults = await runFaults({
      faults: plan.faults,
      injectors: injectorsOf(product, load),
      signal,
      onBegin: ({ number, kind, target }) => {
        current.add(`${kind} of ${target}`);
        record(`#${number} begins: ${kind} of ${target}`);
      },
      onEnd: ({ fault: { number, kind, target }, took, detail }) => {
        current.delete(`${kind} of ${target}`);
        record(`#${number} ends: ${took ? "took effect" : "WITHOUT EFFECT"}: ${detail}`);
      },
    });
    await allDelivered(load, ending);
    return { load, faults };
  } catch (error) {
    record(errorMessage(error));
    ending.abort();
    throw error;
  } finally {
    clearInterval(show);
    progress.stop();
  }
}

/** Waits for the last deliveries; those that nobody takes are given up. */
async function allDelivered(load: Load, ending: AbortController): Promise<void> {
  for (;;) {
    const before = load.delivered;
    if (await withinMs(load.log, NO_DELIVERY_MS)) return;
    if (load.delivered === before) ending.abort();
  }
}

function injectorsOf(product: Product, load: Load): Injectors {
  const { redis, postgres, apps, spools, callbackUrls } = product;
  return {
    ...appFaults(apps),
    ...redis.injectors,
    ...postgres.injectors,
    ...clockFaults(load.clock),
    ...spoolFaults((target) => {
      const name = target.replace("spool-", "ingress-");
      const disk = spools.get(name);
      if (disk === undefined) throw new Error(`there is no ${target}`);
      return {
        disk,
        toRedis: redis.proxyOf(name),
        refusals: () => load.refusals(callbackUrls.get(name) ?? ""),
      };
    }),
  };
}

function reportOf(
  flags: ChaosFlags,
  faults: readonly FaultOutcome[],
  load: Load,
  audited: Audited,
  drained: Drained,
): ChaosReport {
  const { violations, outcomes, recordings, storedFiles } = audited;
  const count = (check: string): number => violations.filter((one) => one.check === check).length;
  return {
    topology: flags.topology,
    seed: flags.seed,
    minutes: flags.minutes,
    ratePerS: flags.ratePerS,
    faults,
    callbacks: {
      deliveries: load.delivered,
      sent: 0,
      acknowledged: load.acknowledged,
      lost: count("acknowledged"),
      doubled: count("doubled"),
      answers: Object.fromEntries([...load.answers].toSorted(([, a], [, b]) => b - a)),
    },
    outcomes,
    recordings,
    storedFiles,
    drainedAfterMs: drained.waitedMs,
    checks: checksOf(violations),
    violations,
    keptIn: null,
    ok: violations.length === 0,
  };
}
