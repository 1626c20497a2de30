import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { MediaReport } from "@reelgate/shared/contract/media";
import { AppError, errorMessage } from "@reelgate/shared/errors";
import { parseAllowedHosts } from "@reelgate/media/guard/allowed-hosts";
import { createMediaClient } from "@reelgate/media/http/media-client";
import { indexMedia } from "@reelgate/media/index-media";
import { type FfprobeFacts, parseFfprobeAnswer } from "@reelgate/testkit/media-fixtures";

/** What one look at a file took. */
export interface Timed<T> {
  result: T;
  wallMs: number;
}

/** A report, or the code and sentence of the error. */
export type OurLook = { report: MediaReport } | { code: string; message: string };

const FFPROBE = "ffprobe";
/** As `npm run media` starts it. */
const COMMAND = fileURLToPath(import.meta.resolve("@reelgate/media/cli"));
const TIMEOUT_MS = 120_000;

/** One look with a client of its own: no connection is kept from the look before. */
export async function lookWithUs(
  url: string,
  declaredSizeBytes: number | null = null,
): Promise<Timed<OurLook>> {
  const startedMs = performance.now();
  const client = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1") });
  try {
    const declared = { format: null, sizeBytes: declaredSizeBytes, durationS: null };
    const report = await indexMedia(client, url, declared);
    return { result: { report }, wallMs: performance.now() - startedMs };
  } catch (error) {
    const code = error instanceof AppError ? error.code : "crash";
    const result = { code, message: errorMessage(error) };
    return { result, wallMs: performance.now() - startedMs };
  } finally {
    await client.close();
  }
}

/** The command for people, from the start of the process to its end. @throws Error when it prints no report. */
export async function lookWithCommand(url: string): Promise<Timed<MediaReport>> {
  const startedMs = performance.now();
  const { exitCode, stdout, stderr } = await runFile(process.execPath, [
    COMMAND,
    ..."index --json --allow 127.0.0.1".split(" "),
    url,
  ]);
  const wallMs = performance.now() - startedMs;
  if (exitCode !== 0) throw new Error(`the command ended with ${exitCode ?? "?"}: ${stderr}`);
  return { result: JSON.parse(stdout) as MediaReport, wallMs };
}

/** What starting our command costs, whatever it is asked. */
export async function startCommand(): Promise<number> {
  const startedMs = performance.now();
  await runFile(process.execPath, [COMMAND, "--help"]);
  return performance.now() - startedMs;
}

/** ffprobe as people call it, from the start of the process to its end. */
export async function lookWithFfprobe(url: string): Promise<Timed<FfprobeFacts>> {
  const startedMs = performance.now();
  const { exitCode, stdout, stderr } = await runFile(
    FFPROBE,
    `-v error -show_format -show_streams -of json ${url}`.split(" "),
  );
  const wallMs = performance.now() - startedMs;
  const parsed = JSON.parse(stdout || "{}") as Partial<Parameters<typeof parseFfprobeAnswer>[0]>;
  const { format = null, streams = [] } = parsed;
  return { result: parseFfprobeAnswer({ exitCode, stderr, format, streams }), wallMs };
}

/** What starting ffprobe costs, whatever it is asked. */
export async function startFfprobe(): Promise<number> {
  const startedMs = performance.now();
  await runFile(FFPROBE, ["-version"]);
  return performance.now() - startedMs;
}

function runFile(
  file: string,
  args: readonly string[],
): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : null;
      resolve({ exitCode, stdout, stderr });
    });
  });
}
