import { setTimeout as delay } from "node:timers/promises";
import { Agent, request } from "undici";
import type { Delivery, Expectation, Plan, PlannedCallback } from "./plan.ts";
import { createBodySigner } from "./signed-body.ts";
import type { BodySigner, SignedBody } from "./signed-body.ts";
import { createSlots } from "./slots.ts";
import type { Slots } from "./slots.ts";

/** The provider waits 20 s for an answer and repeats 12 times, a minute apart ("How to Receive Event Notification"). */
export const PROVIDER_TIMEOUT_MS = 20_000;
export const PROVIDER_RETRIES = 12;
export const PROVIDER_RETRY_INTERVAL_MS = 60_000;

export interface SendOptions {
  /** The receiver's callback route; of several replicas, which one the next request goes to. */
  url: string | (() => string);
  /** The callback key that both sides know. */
  key: string;
  /** First attempts per second; 0 means as fast as `concurrency` allows. */
  ratePerS: number;
  /** Requests in flight at once. */
  concurrency: number;
  timeoutMs?: number;
  /** Attempts after the first. */
  retries?: number;
  retryIntervalMs?: number;
  /**
   * Sign every retry anew, or those of which this says so. It is not known whether the provider does; then a retry is a
   * callback of its own.
   */
  resign?: boolean | ((answer: Answer, callback: number) => boolean);
  /** Ends the run: what is in flight is given up, what is not delivered stays so. */
  signal?: AbortSignal;
  onAttempt?: (attempt: Attempt) => void;
  onDelivery?: (result: DeliveryResult) => void;
  /** Unix time in seconds, for `t`. */
  nowS?: () => number;
}

/** What came back for one request. `error` is the answer's error code, or what kept an answer from coming. */
export interface Answer {
  status: number | null;
  error: string | null;
}

export interface Attempt extends Answer {
  callback: number;
  callbackId: string;
  url: string;
  /** `t` of the body, in Unix seconds; null when it has none. */
  tS: number | null;
  /** Counted from 1. */
  attempt: number;
  latencyMs: number;
}

/**
 * `as_planned`: answered 200 or, for a planned refusal, with that refusal. `unexpected`: accepted though it had to be
 * refused, or refused in another way. `undelivered`: every attempt failed, the provider would give up.
 */
export type Verdict = "as_planned" | "unexpected" | "undelivered";

export interface DeliveryResult {
  callback: number;
  attempts: number;
  /** The last one. */
  answer: Answer;
  verdict: Verdict;
}

/** One body as it was sent: several deliveries can share it, and re-signing makes several of one callback. */
export interface SentBody {
  id: string;
  callback: number;
  sign: string | null;
  /** Answered 200 at least once: from then on the receiver must never lose it. */
  acknowledged: boolean;
}

export interface SendLog {
  deliveries: DeliveryResult[];
  bodies: ReadonlyMap<string, SentBody>;
  /** Attempts by answer, such as "200", "401 bad_signature" or "timeout". */
  answers: ReadonlyMap<string, number>;
  latenciesMs: number[];
  retries: number;
  durationMs: number;
}

const MAX_ANSWER_BYTES = 16_384;

/** "503 queue_unavailable", "204", "timeout": how an answer is counted and shown. */
export function answerLabel(answer: Answer): string {
  return [answer.status, answer.error].filter((part) => part !== null).join(" ");
}

function errorCode(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "error" in value) {
      return typeof value.error === "string" && /^\w{1,40}$/u.test(value.error)
        ? value.error
        : null;
    }
  } catch {
    // The provider does not read the body of an answer; without a code the status stands alone.
  }
  return null;
}

function transportError(error: unknown): string {
  if (error instanceof Error) {
    if (error.name === "TimeoutError" || /TIMEOUT/u.test(codeOf(error))) return "timeout";
    if (error.name === "AbortError") return "aborted";
    return codeOf(error) || error.name;
  }
  return "unknown";
}

const codeOf = (error: Error): string =>
  "code" in error && typeof error.code === "string" ? error.code : "";

async function post(
  agent: Agent,
  url: string,
  bytes: Buffer,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const { statusCode, body } = await request(url, {
      dispatcher: agent,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: bytes,
      signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
    });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_ANSWER_BYTES) break;
    }
    const error = statusCode === 200 ? null : errorCode(Buffer.concat(chunks).toString("utf8"));
    return { status: statusCode, error };
  } catch (error) {
    return { status: null, error: transportError(error) };
  }
}

/** True when the answer says what the receiver thinks of the callback, not that it cannot take it now. */
const isRefusal = ({ status }: Answer): boolean =>
  status !== null && status >= 400 && status < 500 && status !== 429;

function verdictOf(expect: Expectation, answer: Answer): Verdict {
  if (expect.kind === "refused") {
    if (answer.status === expect.status && answer.error === expect.error) return "as_planned";
    return answer.status === 200 || isRefusal(answer) ? "unexpected" : "undelivered";
  }
  return answer.status === 200 ? "as_planned" : "undelivered";
}

interface Run {
  options: SendOptions;
  agent: Agent;
  signer: BodySigner;
  slots: Slots;
  bodies: Map<string, SentBody>;
  answers: Map<string, number>;
  latenciesMs: number[];
  retries: number;
}

/** One request, counted and timed. Holds a slot that the caller took. */
async function attemptOnce(
  run: Run,
  callback: PlannedCallback,
  body: SignedBody,
  attempt: number,
): Promise<Answer> {
  const { options } = run;
  const sent = run.bodies.get(body.id) ?? {
    id: body.id,
    callback: callback.index,
    sign: body.sign,
    acknowledged: false,
  };
  run.bodies.set(body.id, sent);
  const url = typeof options.url === "string" ? options.url : options.url();
  const startedMs = performance.now();
  const timeoutMs = options.timeoutMs ?? PROVIDER_TIMEOUT_MS;
  const answer = await post(run.agent, url, body.bytes, timeoutMs, options.signal);
  const latencyMs = performance.now() - startedMs;
  if (answer.status === 200) sent.acknowledged = true;
  if (answer.status !== null) run.latenciesMs.push(latencyMs);
  const label = answerLabel(answer);
  run.answers.set(label, (run.answers.get(label) ?? 0) + 1);
  options.onAttempt?.({
    ...answer,
    callback: callback.index,
    callbackId: body.id,
    url,
    tS: body.tS,
    attempt,
    latencyMs,
  });
  return answer;
}

async function deliver(
  run: Run,
  callback: PlannedCallback,
  delivery: Delivery,
): Promise<DeliveryResult> {
  const { options, signer, slots } = run;
  const lastAttempt = (options.retries ?? PROVIDER_RETRIES) + 1;
  let body = signer.body(callback);
  for (let attempt = 1; ; attempt += 1) {
    let answer: Answer;
    try {
      answer = await attemptOnce(run, callback, body, attempt);
    } finally {
      slots.release();
    }
    const isOver =
      answer.status === 200 ||
      (!delivery.retry && isRefusal(answer)) ||
      attempt >= lastAttempt ||
      options.signal?.aborted === true;
    if (!isOver) {
      const wokenInTime = await pause(
        options.retryIntervalMs ?? PROVIDER_RETRY_INTERVAL_MS,
        options.signal,
      );
      if (wokenInTime) {
        run.retries += 1;
        if (isResigned(options.resign, answer, callback)) body = signer.resign(callback);
        await slots.acquire();
        continue;
      }
    }
    const result: DeliveryResult = {
      callback: callback.index,
      attempts: attempt,
      answer,
      verdict: verdictOf(callback.expect, answer),
    };
    options.onDelivery?.(result);
    return result;
  }
}

const isResigned = (
  resign: SendOptions["resign"],
  answer: Answer,
  { index }: PlannedCallback,
): boolean => (typeof resign === "function" ? resign(answer, index) : resign === true);

/** False when the run was ended meanwhile. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
    return true;
  } catch {
    return false;
  }
}

/**
 * Sends a plan as the provider would: anything but exactly 200 is repeated, nothing is redirected, the answer's body
 * and Retry-After change nothing. Resolves when every delivery is over; nothing of the receiver's makes it reject.
 */
export async function sendPlan(
  plan: Pick<Plan, "callbacks" | "deliveries">,
  options: SendOptions,
): Promise<SendLog> {
  const agent = new Agent({ connections: options.concurrency, pipelining: 1 });
  const run: Run = {
    options,
    agent,
    signer: createBodySigner(
      plan.callbacks,
      options.key,
      options.nowS ?? ((): number => Date.now() / 1000),
    ),
    slots: createSlots(options.concurrency),
    bodies: new Map(),
    answers: new Map(),
    latenciesMs: [],
    retries: 0,
  };
  try {
    return await sendAll(plan, run);
  } finally {
    await agent.destroy();
  }
}

async function sendAll(plan: Pick<Plan, "callbacks" | "deliveries">, run: Run): Promise<SendLog> {
  const { options } = run;
  const startedMs = performance.now();
  const running: Promise<DeliveryResult>[] = [];
  for (const [position, delivery] of plan.deliveries.entries()) {
    const callback = plan.callbacks[delivery.callback];
    if (callback === undefined) throw new RangeError(`no callback ${delivery.callback}`);
    const dueMs = options.ratePerS === 0 ? 0 : startedMs + (position * 1000) / options.ratePerS;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await pause(waitMs, options.signal);
    await run.slots.acquire();
    if (options.signal?.aborted === true) {
      run.slots.release();
      break;
    }
    running.push(deliver(run, callback, delivery));
  }
  return {
    deliveries: await Promise.all(running),
    bodies: run.bodies,
    answers: run.answers,
    latenciesMs: run.latenciesMs,
    retries: run.retries,
    durationMs: performance.now() - startedMs,
  };
}
