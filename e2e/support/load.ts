import { setTimeout as delay } from "node:timers/promises";
import type { SignedCallback } from "./callbacks.ts";

/** One answer, or what kept it from coming. Times in milliseconds of `performance.now()`. */
export interface Answered {
  status: number | null;
  /** The `error` of the body. */
  error: string | null;
  retryAfter: string | null;
  sentAtMs: number;
  answeredAtMs: number;
}

/** Callbacks without end, each repeated until it is answered 200, as the provider does. */
export interface Load extends AsyncDisposable {
  readonly answers: readonly Answered[];
  /** Ids that were answered 200. */
  readonly acknowledged: ReadonlySet<string>;
  /** Ids that were sent at all. */
  readonly sent: ReadonlySet<string>;
  /** Begins no new callback, and waits until those in hand are acknowledged. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  url: string;
  next: (index: number) => SignedCallback;
  senders?: number;
  /** Between an answer and the next request of the same sender. */
  paceMs?: number;
}

/** Longer than any answer may take, so that a hang is seen as one. */
const TIMEOUT_MS = 10_000;

export function startLoad(options: LoadOptions): Load {
  const { url, next, senders = 8, paceMs = 10 } = options;
  const answers: Answered[] = [];
  const acknowledged = new Set<string>();
  const sent = new Set<string>();
  const giveUp = new AbortController();
  const stopping = new AbortController();
  let index = 0;

  const attempt = async (callback: SignedCallback): Promise<boolean> => {
    const sentAtMs = performance.now();
    sent.add(callback.id);
    const reply = await answerTo(url, callback.text);
    const answeredAtMs = performance.now();
    // 200 stands for a callback that is safe, also when it comes late.
    if (reply.status === 200) acknowledged.add(callback.id);
    answers.push({ ...reply, sentAtMs, answeredAtMs });
    return reply.status === 200;
  };
  const sender = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const callback = next(index++);
      while (!giveUp.signal.aborted && !(await attempt(callback))) await delay(paceMs);
      await delay(paceMs);
    }
  };
  const running = Promise.all(Array.from({ length: senders }, sender));
  return {
    answers,
    acknowledged,
    sent,
    async stop() {
      stopping.abort();
      await running;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      giveUp.abort();
      await running;
    },
  };
}

async function answerTo(
  url: string,
  body: string,
): Promise<Pick<Answered, "status" | "error" | "retryAfter">> {
  try {
    const response = await fetch(url, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const json = (await response.json()) as { error?: string };
    return {
      status: response.status,
      error: json.error ?? null,
      retryAfter: response.headers.get("retry-after"),
    };
  } catch {
    return { status: null, error: null, retryAfter: null };
  }
}
