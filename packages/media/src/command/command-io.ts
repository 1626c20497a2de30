import type { ProgressStream } from "@reelgate/shared/progress";

/** What a command needs of the process that runs it. */
export interface CommandIo {
  /** The report, or the JSON. */
  print: (text: string) => void;
  /** Complaints. */
  complain: (text: string) => void;
  progress: ProgressStream;
  /** Ends the command in order: what was fetched stays for the next run. */
  signal: AbortSignal;
}

/** 0: there and whole. 1: broken, unreadable, or not storable. 2: wrong usage. */
export type ExitCode = 0 | 1 | 2;
