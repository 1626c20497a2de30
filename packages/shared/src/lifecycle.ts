import { CHECK_CONFIG_FLAG } from "./config-report.ts";
import type { ConfigReport } from "./config-report.ts";
import { AppError, errorMessage } from "./errors.ts";
import type { Logger } from "./logger.ts";

/** A running app. Disposing it stops accepting work, finishes what it has accepted, and closes everything. */
export interface Service extends AsyncDisposable {
  logger: Logger;
  /** After this many milliseconds of stopping, the process exits whatever is still open. */
  shutdownGraceMs: number;
  /** Resolves, with why, when the service finds that nothing but a new process can go on. */
  stuck?: Promise<string>;
}

/**
 * Runs an app as this process: composes it, waits for SIGTERM or SIGINT, stops it gracefully, and leaves with an exit
 * status that is true.
 *
 * - With `--check-config` nothing starts: what is wrong with the configuration, or its values, is printed as JSON.
 * - A failure while composing prints one clear message and exits 1.
 * - A second signal, or the end of the grace period, exits at once with 1.
 * - A service that is stuck is stopped the same way, with status 1: a supervisor starts it again.
 * - An unhandled rejection or exception is a defect: it is logged, and the process stops gracefully with status 1 so
 *   that a supervisor restarts it in a known state.
 */
export async function runService(
  compose: (signal: AbortSignal) => Promise<Service>,
  checkConfig: () => ConfigReport,
): Promise<void> {
  if (process.argv.includes(CHECK_CONFIG_FLAG)) {
    const report = checkConfig();
    process.stdout.write(`${JSON.stringify(report)}\n`);
    process.exitCode = report.ok ? 0 : 1;
    return;
  }
  const stopping = new AbortController();
  let service: Service | undefined;
  let failed = false;

  const forceExit = (reason: string): never => {
    service?.logger.fatal({ reason }, "stopped by force");
    process.exit(1);
  };
  const stop = (reason: string): void => {
    if (stopping.signal.aborted) forceExit(reason);
    service?.logger.info({ reason }, "stopping");
    const graceMs = service?.shutdownGraceMs ?? 5000;
    // Unreferenced: it must not keep alive a process whose work has ended.
    setTimeout(() => forceExit(`not stopped ${graceMs} ms after ${reason}`), graceMs).unref();
    stopping.abort(new Error(reason));
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  const crash = (kind: string) => (error: unknown) => {
    failed = true;
    if (service === undefined) process.stderr.write(`${errorMessage(error)}\n`);
    else service.logger.fatal({ err: error }, kind);
    stop(kind);
  };
  process.on("uncaughtException", crash("uncaught exception"));
  process.on("unhandledRejection", crash("unhandled rejection"));

  try {
    service = await compose(stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) {
      const text = error instanceof AppError ? error.message : (error as Error).stack;
      process.stderr.write(`${text ?? errorMessage(error)}\n`);
      process.exit(1);
    }
    process.exit(failed ? 1 : 0);
  }
  void service.stuck?.then((reason) => {
    if (stopping.signal.aborted) return;
    failed = true;
    service?.logger.fatal({ reason }, "stuck: ends so that it is started again");
    stop(reason);
  });
  if (!stopping.signal.aborted) {
    await new Promise<void>((resolve) => {
      stopping.signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
  try {
    await service[Symbol.asyncDispose]();
    service.logger.info("stopped");
  } catch (error) {
    failed = true;
    service.logger.error({ err: error }, "stopping failed");
  }
  process.exit(failed ? 1 : 0);
}

/** Waits for `work`, but not longer than `deadlineMs`; `false` when time ran out first. */
export async function withinMs(work: Promise<unknown>, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), deadlineMs);
  });
  try {
    return await Promise.race([work.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}
