import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** What a process sends to an ingress, and how. */
export interface LoadOrder {
  port: number;
  /** Number of the first callback (see callback-bodies.ts), and how many there are. */
  first: number;
  count: number;
  /** `t` of all of them. */
  t: number;
  connections: number;
  /** Callbacks begun in a second, whether earlier ones were answered or not; null for as fast as they are answered. */
  ratePerS: number | null;
  /** Ends with what was begun by then, though callbacks be left; null for no bound. */
  durationMs: number | null;
  /** A file for the ids of all that were acknowledged, one a line; null for none. */
  acknowledgedFile: string | null;
}

/** What came of it so far. Latencies are of callbacks that were answered 200, from when they were due. */
export interface LoadReport {
  acknowledged: number;
  /** Answers other than 200, by status. Each such callback is sent again, as the provider does. */
  refused: Readonly<Record<string, number>>;
  /** Connections that ended without an answer; sent again too. */
  broken: number;
  elapsedMs: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** From a load process to its parent. */
export type LoadMessage = { kind: "progress" | "end"; report: LoadReport };

export interface CallbackLoad extends AsyncDisposable {
  readonly pid: number;
  /** The last report that came; one comes every second. */
  readonly latest: LoadReport;
  /** Resolves with the last report when all is acknowledged. */
  readonly ended: Promise<LoadReport>;
}

const CHILD = fileURLToPath(new URL("./callback-load-process.ts", import.meta.url));

const NOTHING_YET: LoadReport = {
  acknowledged: 0,
  refused: {},
  broken: 0,
  elapsedMs: 0,
  p50Ms: 0,
  p99Ms: 0,
  maxMs: 0,
};

/**
 * Sends callbacks from a process of its own, on plain sockets: an HTTP client would take as much of the two cores as the
 * ingress does. Unlike wrk it knows which callback each answer belongs to, and sends every callback once.
 */
export function startCallbackLoad(order: LoadOrder): CallbackLoad {
  const child = fork(CHILD, [JSON.stringify(order)]);
  const exited = once(child, "exit");
  let latest = NOTHING_YET;
  const end = Promise.withResolvers<LoadReport>();
  // Whoever only disposes it does not look at how it ended.
  end.promise.catch(() => {});
  child.on("message", ({ kind, report }: LoadMessage) => {
    latest = report;
    if (kind === "end") end.resolve(report);
  });
  void exited.then(([code, signal]) =>
    end.reject(new Error(`the load process ended with ${String(code ?? signal)}`)),
  );
  return {
    pid: child.pid ?? 0,
    get latest() {
      return latest;
    },
    ended: end.promise,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Callbacks that were answered, but not taken. */
export function refusedCount({ refused }: LoadReport): number {
  return Object.values(refused).reduce((sum, count) => sum + count, 0);
}
