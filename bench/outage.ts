import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createProgress } from "@reelgate/shared/progress";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { untilReached } from "@reelgate/testkit/until-reached";
import { isClean, runAudit, settledCount } from "./audit-run.ts";
import type { AuditRun } from "./audit-run.ts";
import {
  benchDatabase,
  openBenchCatalogue,
  startBenchIngress,
  startBenchPostgres,
  startBenchWorker,
} from "./bench-product.ts";
import { callbackBodies, inOneDay } from "./callback-bodies.ts";
import { refusedCount, startCallbackLoad } from "./callback-load.ts";
import type { CallbackLoad, LoadReport } from "./callback-load.ts";
import { writeModelFigures } from "./model-figures.ts";
import { machine, writeSection } from "./results-file.ts";
import { reportTargets } from "./targets.ts";

export interface OutageBenchOptions {
  /** How long Redis is away. */
  minutes: number;
  /** Callbacks a second, before, meanwhile and after. */
  ratePerS: number;
  note: string | null;
}

const BEFORE_MS = 5000;
/** The load goes on for so long when Redis is back: the spool drains beside it. */
const AFTER_MS = 20_000;
const CONNECTIONS = 64;
const POLL_MS = 250;
/** Longer than anything heals by itself: what has not come by then is lost, which the audit says. */
const STANDSTILL_MS = 120_000;
/** Longer than the provider repeats a callback: only then is an outage one that a spool is for. */
const MIN_WRITTEN_MINUTES = 15;
/** A callback takes 1.2 KB of the spool, of which it gets twice that. */
const SPOOL_BYTES_EACH = 2500;

interface SpoolReading {
  callbacks: number;
  bytes: number;
}

interface Outcome {
  load: LoadReport;
  /** When Redis came back. */
  peak: SpoolReading;
  isDrained: boolean;
  /** From when Redis answered again until the spool was empty, or nothing left it any more. */
  drainedMs: number;
  /** Until every callback had its outcome, or no more of them got one. */
  settledMs: number;
  audit: AuditRun;
}

/** Takes Redis away under load, for longer than the provider would repeat a callback, and counts what that cost. */
export async function benchOutage(options: OutageBenchOptions): Promise<void> {
  const outcome = await run(options);
  const { text, bytesEach } = report(options, outcome);
  if (options.minutes < MIN_WRITTEN_MINUTES) console.log(text);
  else await writeSection(`Redis away for ${options.minutes} minutes`, text);
  // What a callback takes of the spool does not depend on how many there are.
  await writeModelFigures(commandOf(options), [{ name: "spoolBytes", value: bytesEach }]);
}

const commandOf = ({ minutes, ratePerS }: OutageBenchOptions): string =>
  `npm run bench -- outage --minutes ${minutes} --rate ${ratePerS}`;

async function run({ minutes, ratePerS }: OutageBenchOptions): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "reelgate-bench-outage-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const acknowledgedFile = join(folder, "ids");
  const awayMs = minutes * 60_000;
  const count = Math.ceil(((BEFORE_MS + awayMs + AFTER_MS) / 1000) * ratePerS);
  const redis = stack.use(await startTestRedis());
  const postgres = stack.use(await startBenchPostgres(null));
  const databaseUrl = await benchDatabase(postgres.server, "bench_outage");
  const { db } = stack.use(openBenchCatalogue(databaseUrl));
  const servers = { redisUrl: redis.url, databaseUrl };
  const ingress = await startBenchIngress(redis.url, {
    SPOOL_DIR: join(folder, "spool"),
    SPOOL_MAX_BYTES: String(Math.max(2 ** 30, count * SPOOL_BYTES_EACH)),
    // What it says of a Redis that is away is not what is measured.
    LOG_LEVEL: "fatal",
  });
  stack.use(ingress.app);
  stack.use(await startBenchWorker(servers, { WORKER_STAGES: "callbacks" }));
  const load = stack.use(
    startCallbackLoad({
      port: ingress.port,
      first: 0,
      count,
      t: inOneDay(),
      connections: CONNECTIONS,
      ratePerS,
      durationMs: null,
      acknowledgedFile,
    }),
  );
  await delay(BEFORE_MS);
  await redis.kill("SIGKILL");
  await showFor(awayMs, "Redis is away, seconds", load);
  await redis.restart();
  const backMs = performance.now();
  const peak = await readSpool(ingress.app.opsUrl);
  const progress = createProgress(process.stdout);
  progress.start("left the spool", peak.callbacks);
  const isDrained = await untilReached({
    target: 0,
    read: async () => -(await readSpool(ingress.app.opsUrl)).callbacks,
    standstillMs: STANDSTILL_MS,
    intervalMs: POLL_MS,
    onRead: (left) => progress.update(Math.max(0, peak.callbacks + left)),
  });
  progress.stop();
  const drainedMs = performance.now() - backMs;
  const sent = await load.ended;
  progress.start("settled", count);
  await untilReached({
    target: sent.acknowledged,
    read: () => settledCount(db, sent.acknowledged),
    standstillMs: STANDSTILL_MS,
    intervalMs: POLL_MS,
    onRead: (settled) => progress.update(Math.min(settled, count)),
  });
  progress.stop();
  const settledMs = performance.now() - backMs;
  const audit = await runAudit(servers, acknowledgedFile);
  return { load: sent, peak, isDrained, drainedMs, settledMs, audit };
}

async function showFor(durationMs: number, what: string, load: CallbackLoad): Promise<void> {
  const progress = createProgress(process.stdout);
  const startedMs = performance.now();
  progress.start(what, Math.round(durationMs / 1000));
  for (;;) {
    const elapsedMs = performance.now() - startedMs;
    if (elapsedMs >= durationMs) break;
    const { acknowledged } = load.latest;
    progress.update(
      Math.floor(elapsedMs / 1000),
      `acknowledged ${acknowledged}, refused ${refusedCount(load.latest)}`,
    );
    await delay(Math.min(POLL_MS, durationMs - elapsedMs));
  }
  progress.stop();
}

async function readSpool(opsUrl: string): Promise<SpoolReading> {
  const metrics = await (await fetch(`${opsUrl}/metrics`)).text();
  const gauge = (name: string): number => {
    const found = new RegExp(`^${name}(?:\\{[^}]*\\})? ([\\d.e+]+)$`, "mu").exec(metrics)?.[1];
    if (found === undefined) throw new Error(`the ingress has no ${name}`);
    return Number(found);
  };
  return {
    callbacks: gauge("reelgate_ingress_spool_callbacks"),
    bytes: gauge("reelgate_ingress_spool_bytes"),
  };
}

function report(
  options: OutageBenchOptions,
  { load, peak, isDrained, drainedMs, settledMs, audit }: Outcome,
): { text: string; bytesEach: number } {
  const number = (value: number): string => Math.round(value).toLocaleString("en-US");
  const seconds = (ms: number): string => (ms / 1000).toFixed(0);
  const bytesEach = peak.bytes / Math.max(1, peak.callbacks);
  const refused = refusedCount(load);
  const targets = [
    {
      what: `callbacks refused while Redis was away for ${options.minutes} min`,
      measured: `${number(refused)} refused, ${number(load.broken)} without an answer`,
      wanted: "0, 0",
      isMet: refused === 0 && load.broken === 0,
    },
    {
      what: "callbacks lost",
      measured: `${number(audit.summary.acknowledged.ids - audit.summary.acknowledged.settled)} of ${number(load.acknowledged)}, ${number(audit.summary.violations)} violations`,
      wanted: "0, 0",
      isMet: isClean(audit, load.acknowledged),
    },
    {
      what: "spool drained",
      measured: `${isDrained ? "" : "not wholly, "}in ${seconds(drainedMs)} s, ${number((peak.callbacks * 1000) / drainedMs)} callbacks a second`,
      wanted: "yes",
      isMet: isDrained && peak.callbacks > 0,
    },
  ];
  const text = `
\`${commandOf(options)}\`, ${new Date().toISOString().slice(0, 10)}, ${machine()}.${options.note === null ? "" : ` ${options.note}`}

Redis was killed (SIGKILL) and started again ${options.minutes} minutes later; ${number(options.ratePerS)} callbacks of ${callbackBodies().sizeBytes} bytes a second kept coming from ${BEFORE_MS / 1000} s before until ${AFTER_MS / 1000} s after. One ingress with a spool, one worker, Redis, Postgres and the load on the same cores.

${number(load.acknowledged)} were acknowledged: p50 ${load.p50Ms.toFixed(0)} ms, p99 ${load.p99Ms.toFixed(0)} ms, slowest ${load.maxMs.toFixed(0)} ms, from when they were due. When Redis was back ${number(peak.callbacks)} of them were in the spool, in ${number(peak.bytes / 1e6)} MB: ${number(bytesEach)} bytes each. All were settled ${seconds(settledMs)} s after Redis was back.

${reportTargets(targets)}
`;
  return { text, bytesEach };
}
