import { setTimeout as delay } from "node:timers/promises";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { openJobs, pendingCount } from "@reelgate/testkit/catalogue-audit";
import { errorMessage } from "@reelgate/shared/errors";
import type { Product } from "./product.ts";

/** What has to become 0 before an audit can say anything. */
export interface Left {
  /** Their names. */
  appsNotReady: readonly string[];
  spooledCallbacks: number;
  callbackJobs: number;
  mediaJobs: number;
  pendingRecordings: number;
}

export interface Drained {
  waitedMs: number;
  /** Null when all is done; otherwise what was left when the time was over. */
  left: Left | null;
}

/**
 * Given up when nothing has become less for so long. A media job that went with a master of Redis is queued again by the
 * sweep, which comes every five to six minutes; whatever else heals by itself does within one.
 */
const NO_PROGRESS_MS = 420_000;
/** And after so many looks: a machine that stood still meanwhile says nothing of the product. */
const LOOKS_WITHOUT_PROGRESS = 60;
const POLL_MS = 300;

const totalOf = ({ appsNotReady, ...counts }: Left): number =>
  appsNotReady.length + sum(Object.values(counts));

/** Waits until every app is ready and nothing is on its way any more. */
export async function drain(
  product: Product,
  db: CatalogueDatabase,
  onLook: (left: string) => void,
  signal: AbortSignal,
): Promise<Drained> {
  const startedMs = performance.now();
  let least = Infinity;
  let lessAtMs = startedMs;
  let looksSince = 0;
  let problem = "nothing could be asked";
  let last: Left | null = null;
  while (
    !signal.aborted &&
    (looksSince < LOOKS_WITHOUT_PROGRESS || performance.now() - lessAtMs < NO_PROGRESS_MS)
  ) {
    looksSince += 1;
    try {
      last = await whatIsLeft(product, db);
      onLook(leftText(last));
    } catch (error) {
      problem = errorMessage(error);
    }
    const total = last === null ? Infinity : totalOf(last);
    if (total === 0) return { waitedMs: performance.now() - startedMs, left: null };
    if (total < least) {
      least = total;
      lessAtMs = performance.now();
      looksSince = 0;
    }
    await delay(POLL_MS);
  }
  if (last === null) throw new Error(`It is not known what is left: ${problem}`);
  return { waitedMs: performance.now() - startedMs, left: last };
}

/** A look whose every number is known. */
async function whatIsLeft(product: Product, db: CatalogueDatabase): Promise<Left> {
  const apps = [...product.apps.values()];
  const ready = await Promise.all(apps.map(async ({ opsUrl }) => await isReady(opsUrl)));
  const ingresses = apps.filter(({ name }) => product.spools.has(name));
  const spooled = await Promise.all(ingresses.map(({ opsUrl }) => spooledCallbacks(opsUrl)));
  const callbacks = await openJobs(product.redis.url, "callbacks");
  // A look that failed for good is done, and stays in the failed set for people to see.
  const { failed: _failed, ...media } = await openJobs(product.redis.url, "media");
  return {
    appsNotReady: apps.filter((_app, index) => ready[index] !== true).map(({ name }) => name),
    spooledCallbacks: sum(spooled),
    callbackJobs: sum(Object.values(callbacks)),
    mediaJobs: sum(Object.values(media)),
    pendingRecordings: await pendingCount(db),
  };
}

async function isReady(opsUrl: string): Promise<boolean> {
  try {
    const answer = await fetch(`${opsUrl}/readyz`, { signal: AbortSignal.timeout(5000) });
    await answer.body?.cancel();
    return answer.status === 200;
  } catch {
    return false;
  }
}

const SPOOLED = [
  /^reelgate_ingress_spool_callbacks(?:\{[^}]*\})? (\d+)$/mu,
  /^reelgate_ingress_spool_orphan_callbacks(?:\{[^}]*\})? (\d+)$/mu,
];

async function spooledCallbacks(opsUrl: string): Promise<number> {
  const answer = await fetch(`${opsUrl}/metrics`, { signal: AbortSignal.timeout(5000) });
  const text = await answer.text();
  return sum(
    SPOOLED.map((pattern) => {
      const found = pattern.exec(text)?.[1];
      if (found === undefined) throw new Error(`${opsUrl}/metrics does not tell of the spool`);
      return Number(found);
    }),
  );
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** "callback jobs 12, pending recordings 3", or "nothing". */
export function leftText(left: Left): string {
  const parts = [
    ["spooled callbacks", left.spooledCallbacks],
    ["callback jobs", left.callbackJobs],
    ["media jobs", left.mediaJobs],
    ["pending recordings", left.pendingRecordings],
  ] as const;
  const some = parts.filter(([, count]) => count > 0);
  const texts = some.map(([name, count]) => `${name} ${count}`);
  if (left.appsNotReady.length > 0) texts.unshift(`not ready: ${left.appsNotReady.join(" and ")}`);
  return texts.join(", ") || "nothing";
}
