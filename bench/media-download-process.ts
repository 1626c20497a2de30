import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** One download, in a process of its own. */
export interface DownloadJob {
  url: string;
  /** `file:///folder` or `s3://bucket?…` */
  storage: string;
  /** Where copies for S3 are made. */
  workFolder: string;
  /** Of the copy, without extension. */
  name: string;
  /** Default: none. */
  nodeFlags?: readonly string[];
  /** SIGKILL when so many bytes came. */
  killAtBytes?: number;
}

export interface DownloadRun {
  /** From the call of `downloadMedia` to its end. */
  downloadMs: number;
  /** From the start of the process to its exit. */
  processMs: number;
  /** Until the last byte came, then looking at the copy, then putting it under its name. */
  phaseMs: { fetching: number; verifying: number; storing: number };
  peakRssBytes: number;
  /** `stored`, or why not. */
  verdict: string;
  findings: string[];
  sha256: string | null;
}

/** What the process tells. */
type Told = "killable" | Omit<DownloadRun, "processMs">;

const CHILD = fileURLToPath(new URL("./media-download-child.mjs", import.meta.url));

/** Null when it was killed, as the job says. */
export async function downloadInProcess(job: DownloadJob): Promise<DownloadRun | null> {
  const startedMs = performance.now();
  const child = fork(CHILD, [JSON.stringify(job)], { execArgv: [...(job.nodeFlags ?? [])] });
  const exited = once(child, "exit");
  const told: Exclude<Told, "killable">[] = [];
  child.on("message", (message: Told) => {
    if (message === "killable") child.kill("SIGKILL");
    else told.push(message);
  });
  const [code, signal] = (await exited) as [number | null, string | null];
  const processMs = performance.now() - startedMs;
  if (signal === "SIGKILL" && job.killAtBytes !== undefined) return null;
  const run = told[0];
  if (run === undefined) throw new Error(`the download ended with ${code ?? signal ?? "?"}`);
  return { ...run, processMs };
}
