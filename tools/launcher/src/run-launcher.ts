import { parseArgs } from "node:util";
import { AppError, errorMessage } from "@reelgate/shared/errors";
import { readConfig } from "./config.ts";
import { helpText } from "./help.ts";
import { launch } from "./launch.ts";
import type { LaunchOptions, LaunchSignals } from "./launch.ts";

/** npm passes a Ctrl-C on to its child, which the terminal has told already: within this time they are one. */
const SAME_SIGNAL_MS = 500;

export type LauncherSeams = Pick<LaunchOptions, "root" | "migrate" | "createDatabase" | "scripts">;

/**
 * `npm start` from its arguments to its exit status: 0 after a stop that was asked for, 1 when it did not start, 130
 * when a second Ctrl-C cut the stop short.
 */
export async function runLauncher(args: readonly string[], seams: LauncherSeams): Promise<void> {
  const print = (text: string): void => {
    process.stdout.write(`${text}\n`);
  };
  let verbose = false;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { verbose: { type: "boolean" }, help: { type: "boolean", short: "h" } },
    });
    if (values.help === true) {
      print(helpText());
      return;
    }
    verbose = values.verbose === true;
  } catch (error) {
    fail(`${errorMessage(error)} (npm start -- --help shows what there is)`);
  }

  const signals = listenForSignals();
  let system: AsyncDisposable;
  try {
    system = await launch({ ...seams, config: readConfig(seams.root), verbose, print }, signals);
  } catch (error) {
    if (signals.stop.aborted) process.exit(0);
    fail(
      error instanceof AppError ? error.message : ((error as Error).stack ?? errorMessage(error)),
    );
  }
  await aborted(signals.stop);
  print("Stopping ...");
  await system[Symbol.asyncDispose]();
  print("Stopped.");
  // The IPC channel to the parent would keep this process alive.
  process.exit(0);
}

/**
 * The first SIGINT, SIGTERM or SIGHUP stops, and so does the end of the process that started this one: then nobody is
 * left who could stop it. A second signal forces.
 */
function listenForSignals(): LaunchSignals {
  const stop = new AbortController();
  const force = new AbortController();
  let firstAtMs = 0;
  const onSignal = (): void => {
    if (!stop.signal.aborted) {
      firstAtMs = Date.now();
      stop.abort();
      return;
    }
    if (Date.now() - firstAtMs < SAME_SIGNAL_MS) return;
    force.abort();
    process.exit(130);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  process.on("disconnect", onSignal);
  return { stop: stop.signal, force: force.signal };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function fail(message: string): never {
  process.stderr.write(`reelgate: ${message}\n`);
  process.exit(1);
}
