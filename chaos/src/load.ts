import { loadMediaSamples } from "@reelgate/simulator/media-samples";
import { startOrigin } from "@reelgate/simulator/origin";
import type { Origin } from "@reelgate/simulator/origin";
import type { Plan } from "@reelgate/simulator/plan";
import { makePlan } from "@reelgate/simulator/scenario";
import { sendPlan } from "@reelgate/simulator/send";
import type { Attempt, SendLog } from "@reelgate/simulator/send";
import type { SenderClock } from "./faults/clock-faults.ts";

/** What the sender does, with the origin behind the URLs that it names. */
export interface PlannedLoad extends AsyncDisposable {
  plan: Plan;
  origin: Origin;
}

/** Lays out all callbacks of a run: the same seed sends the same kinds of callbacks in the same order. */
export async function planLoad(seed: string, deliveries: number): Promise<PlannedLoad> {
  const origin = await startOrigin(0, "127.0.0.1");
  const plan = makePlan({
    scenario: "mixed",
    count: deliveries,
    seed: "chaos",
    runId: nameOf(seed),
    format: "all",
    baseTimeS: Math.floor(Date.now() / 1000),
    origin: { baseUrl: origin.baseUrl, samples: await loadMediaSamples() },
  });
  origin.publish(plan.originFiles);
  return { plan, origin, [Symbol.asyncDispose]: () => origin.close() };
}

/** Run ids become parts of URLs. */
const nameOf = (seed: string): string => seed.replaceAll(/[^\w-]/gu, "_").slice(0, 32) || "_";

/** A callback that was accepted though its `t` had passed when it was sent. */
export interface ExpiredAccepted {
  id: string;
  expiredForS: number;
}

/** The sender as it is at this moment. */
export interface Load {
  readonly clock: SenderClock;
  readonly delivered: number;
  readonly acknowledged: number;
  /** By which receiver, and when, a callback was first answered 200; null when it was not. */
  acknowledgement(id: string): string | null;
  /** Requests by what came back. */
  readonly answers: ReadonlyMap<string, number>;
  /** Requests that one receiver answered 503. */
  refusals(url: string): number;
  readonly expiredAccepted: readonly ExpiredAccepted[];
  /** Bodies whose `t` had passed each time that they were sent. */
  readonly expired: ReadonlySet<string>;
  /** Settles when every delivery is over. */
  readonly log: Promise<SendLog>;
}

export interface LoadOptions {
  plan: Plan;
  /** The callback routes of all replicas; each request goes to the next one, as a load balancer does it. */
  urls: readonly [string, ...string[]];
  key: string;
  ratePerS: number;
  signal: AbortSignal;
}

/** The provider waits 20 s and repeats a minute later; a run of minutes needs a faster one to see many retries. */
const TIMEOUT_MS = 10_000;
const RETRY_INTERVAL_MS = 1000;
const RETRIES = 100_000;
/** A receiver that stands still must not slow the others' callbacks down. */
const CONCURRENCY = 2048;
const SIGNATURE_VALIDITY_S = 600;
/** Below the least that a clock is set ahead. */
const AHEAD_S = 30;
/** `t` is in whole seconds, and the receiver may read its clock a moment after the sender did. */
const EXPIRED_BEYOND_DOUBT_S = 2;
/** Of four callbacks that are repeated, one is signed anew: nobody knows which of them the provider does. */
const RESIGNED_ONE_OF = 4;

/** Sends as the provider does: anything but 200 is repeated, and what was answered 200 is counted on. */
export function startLoad(options: LoadOptions): Load {
  const { plan, urls } = options;
  const counts = { delivered: 0, refusedAsExpired: 0, acceptedFromAhead: 0, next: 0 };
  const refusals = new Map<string, number>();
  const answers = new Map<string, number>();
  const startedMs = performance.now();
  const acknowledged = new Map<string, { atMs: number; url: string }>();
  const expiredAccepted: ExpiredAccepted[] = [];
  const expired = new Set<string>();
  const inTime = new Set<string>();
  const clock = {
    offsetS: 0,
    get refusedAsExpired() {
      return counts.refusedAsExpired;
    },
    get acceptedFromAhead() {
      return counts.acceptedFromAhead;
    },
  };
  const onAttempt = (attempt: Attempt): void => {
    const { status, callbackId, tS } = attempt;
    const label = status === null ? (attempt.error ?? "no answer") : String(status);
    answers.set(label, (answers.get(label) ?? 0) + 1);
    if (status === 503) refusals.set(attempt.url, (refusals.get(attempt.url) ?? 0) + 1);
    if (status === 200 && !acknowledged.has(callbackId)) {
      acknowledged.set(callbackId, { atMs: performance.now() - startedMs, url: attempt.url });
    }
    if (tS === null) return;
    const sentAtS = (Date.now() - attempt.latencyMs) / 1000;
    const isTrue = plan.callbacks[attempt.callback]?.expect.kind !== "refused";
    if (tS + EXPIRED_BEYOND_DOUBT_S < sentAtS) {
      if (status === 200) expiredAccepted.push({ id: callbackId, expiredForS: sentAtS - tS });
      if (status === 401 && isTrue) counts.refusedAsExpired += 1;
      if (!inTime.has(callbackId)) expired.add(callbackId);
    } else {
      inTime.add(callbackId);
      expired.delete(callbackId);
      const isAhead = tS > sentAtS + SIGNATURE_VALIDITY_S + AHEAD_S;
      if (status === 200 && isAhead) counts.acceptedFromAhead += 1;
    }
  };
  const log = sendPlan(plan, {
    url: () => urls[counts.next++ % urls.length] ?? urls[0],
    key: options.key,
    ratePerS: options.ratePerS,
    concurrency: CONCURRENCY,
    timeoutMs: TIMEOUT_MS,
    retries: RETRIES,
    retryIntervalMs: RETRY_INTERVAL_MS,
    // What has expired would be refused for ever.
    resign: (answer, callback) => answer.status === 401 || callback % RESIGNED_ONE_OF === 0,
    signal: options.signal,
    onAttempt,
    onDelivery: () => {
      counts.delivered += 1;
    },
    nowS: () => Date.now() / 1000 + clock.offsetS,
  });
  return {
    clock,
    get delivered() {
      return counts.delivered;
    },
    get acknowledged() {
      return acknowledged.size;
    },
    acknowledgement(id) {
      const found = acknowledged.get(id);
      if (found === undefined) return null;
      return `after ${(found.atMs / 1000).toFixed(1)} s by ${new URL(found.url).host}`;
    },
    answers,
    refusals: (url) => refusals.get(url) ?? 0,
    expiredAccepted,
    expired,
    log,
  };
}
