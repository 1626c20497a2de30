import { trackHandle } from "./open-handles.ts";

/** A server of a test that can be killed and started again on the same port and data. */
export interface Restartable extends AsyncDisposable {
  /** Of the process that runs now; 0 while none does. */
  readonly pid: number;
  /** Ends it for good and removes its data. */
  stop(): Promise<void>;
  /**
   * Sends a signal. After one that ends it the promise waits until the process is gone; SIGSTOP and SIGCONT return at
   * once.
   */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again, after `kill` or instead of it. */
  restart(): Promise<void>;
}

interface Process {
  readonly pid: number;
  readonly exited: Promise<unknown>;
  kill(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export interface RestartableOptions<P extends Process> {
  name: string;
  first: P;
  startAgain: () => Promise<P>;
  removeData: () => Promise<void>;
}

export function restartable<P extends Process>(options: RestartableOptions<P>): Restartable {
  let running: P | null = options.first;
  const end = async (): Promise<void> => {
    // A stopped process handles no signal but SIGKILL and SIGCONT.
    running?.kill("SIGCONT");
    await running?.stop();
    running = null;
  };
  const stop = async (): Promise<void> => {
    await end();
    await options.removeData();
    untrack();
  };
  const untrack = trackHandle(options.name, stop);
  return {
    get pid() {
      return running?.pid ?? 0;
    },
    stop,
    async kill(signal) {
      if (running === null) return;
      running.kill(signal);
      if (signal === "SIGSTOP" || signal === "SIGCONT") return;
      await running.exited;
      running = null;
    },
    async restart() {
      await end();
      running = await options.startAgain();
    },
    [Symbol.asyncDispose]: stop,
  };
}
