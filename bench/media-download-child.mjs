/*
 * A process that makes one download, as `media-download-process.ts` asks for it. Plain JavaScript: what strips types from
 * TypeScript would stay in memory, and be measured as if it were ours.
 */
import { readFile } from "node:fs/promises";
import { downloadMedia } from "@reelgate/media/download/download-media";
import { parseAllowedHosts } from "@reelgate/media/guard/allowed-hosts";
import { createMediaClient } from "@reelgate/media/http/media-client";
import { NOTHING_DECLARED } from "@reelgate/media/report/compare-declared";
import { openStorage } from "@reelgate/media/storage/open-storage";
import { parseStorageUrl } from "@reelgate/media/storage/storage-url";
import { AppError, errorMessage } from "@reelgate/shared/errors";

/** @type {import("./media-download-process.ts").DownloadJob} */
const job = JSON.parse(process.argv[2] ?? "");
const storage = await openStorage(parseStorageUrl(job.storage), {
  workFolder: job.workFolder,
  credentials: { accessKeyId: "bench", secretAccessKey: "bench" },
});
const client = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1") });
const phaseMs = { fetching: 0, verifying: 0, storing: 0 };
const startedMs = performance.now();
/** @type {keyof typeof phaseMs} */
let phase = "fetching";
let phaseStartedMs = startedMs;
let isKillable = false;

function endPhase() {
  phaseMs[phase] += performance.now() - phaseStartedMs;
  phaseStartedMs = performance.now();
}

const outcome = await downloadMedia(client, job.url, NOTHING_DECLARED, job.name, storage, {
  onProgress: (progress) => {
    if (progress.phase !== phase) {
      endPhase();
      phase = progress.phase;
    }
    if (!isKillable && progress.bytesDone >= (job.killAtBytes ?? Number.POSITIVE_INFINITY)) {
      isKillable = true;
      process.send?.("killable");
    }
  },
}).catch((error) => ({ kind: "failed", error }));
endPhase();
const downloadMs = performance.now() - startedMs;
await client.close();
await storage.close();

function said() {
  if (outcome.kind === "failed") {
    const code = outcome.error instanceof AppError ? outcome.error.code : "crash";
    return { verdict: code, findings: [errorMessage(outcome.error)], sha256: null };
  }
  return {
    verdict: outcome.kind,
    findings: outcome.report.findings.map(({ kind, detail }) => `\`${kind}\`: ${detail}`),
    sha256: outcome.kind === "stored" ? outcome.stored.sha256 : null,
  };
}

const status = await readFile("/proc/self/status", "utf8").catch(() => "");
process.send?.({
  downloadMs,
  phaseMs,
  // Of this process alone: on Linux, maxRSS begins with what the parent held when it forked (exec_mmap in fs/exec.c).
  peakRssBytes:
    Number(/^VmHWM:\s+(\d+) kB$/mu.exec(status)?.[1] ?? process.resourceUsage().maxRSS) * 1_024,
  ...said(),
});
process.disconnect?.();
