import { isUtf8 } from "node:buffer";
import { callbackJobId } from "@reelgate/shared/contract/jobs";
import { parseStrictJson } from "@reelgate/shared/json";
import type { Outcome } from "./outcome.ts";
import type { CallbackQueue, Clock } from "./ports.ts";
import { verifySignature } from "./verify.ts";

/** One arrival of a callback, as it came. */
export interface Delivery {
  body: Buffer;
  requestId: string;
  remoteAddress: string | null;
}

export interface IngestOptions {
  /** Keys of which any may have signed; without any, nothing of `t` and `sign` is looked at. */
  keys: readonly string[];
  graceS: number;
  queue: CallbackQueue;
  clock: Clock;
}

/**
 * Takes one delivery: decides whether it is the provider's, and hands the raw body to the queue. Nothing here knows
 * what kind of event it is; a callback of an unknown kind is as safe as any other.
 */
export async function ingest(delivery: Delivery, options: IngestOptions): Promise<Outcome> {
  const receivedAtMs = options.clock.nowMs();
  // The job carries text: bytes that are not UTF-8 would not survive that.
  if (!isUtf8(delivery.body)) return { kind: "malformed_json", detail: "not UTF-8" };
  const body = delivery.body.toString("utf8");

  const json = parseStrictJson(body);
  if (!json.ok) return { kind: "malformed_json", detail: json.problem };
  const { value } = json;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { kind: "not_an_object", detail: null };
  }

  let keyIndex: number | null = null;
  if (options.keys.length > 0) {
    const verification = verifySignature(value, options.keys);
    if (!verification.ok) return { kind: verification.reason, detail: null };
    // `t` counts whole seconds, so it has not passed before the next one begins.
    const lateS = Math.floor(receivedAtMs / 1000) - verification.expiresAtS - options.graceS;
    if (lateS > 0) return { kind: "expired", detail: `${lateS} s too late` };
    keyIndex = verification.keyIndex;
  }

  const jobId = callbackJobId(delivery.body);
  const result = await options.queue.enqueue(jobId, {
    body,
    receivedAtMs,
    requestId: delivery.requestId,
    remoteAddress: delivery.remoteAddress,
    keyIndex,
  });
  return result.stored
    ? { kind: "accepted", jobId, keyIndex }
    : { kind: "queue_unavailable", detail: result.reason };
}
