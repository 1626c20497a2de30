import type { Readable } from "node:stream";
import type { ProgressStream } from "@reelgate/shared/progress";

/** 0: done, and nothing is wrong. 1: something is wrong, or could not be done. 2: it cannot be run as given. */
export type ExitCode = 0 | 1 | 2;

/** What a command needs of the process that runs it. */
export interface CommandIo {
  /** The result: text for people, or JSON. Resolves when the reader has taken it. */
  print(text: string | Uint8Array): Promise<void>;
  /** Everything that is no result: notes, warnings, complaints. */
  note(text: string): void;
  /** Where progress is shown. */
  progress: ProgressStream;
  /** Width of the terminal that results are printed on; null when it is a file or a pipe. */
  columns: number | null;
  /** Asks for a yes; null when nobody is there to ask. */
  confirm: ((question: string) => Promise<boolean>) | null;
  stdin: Readable;
  /** Aborts on Ctrl-C, or when nobody reads the result any more. */
  signal: AbortSignal;
}
