import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { z } from "zod";
import { auditExtent } from "@reelgate/catalogue/audit";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { outcomeCount } from "@reelgate/testkit/catalogue-audit";
import { cleanEnv } from "@reelgate/testkit/clean-env";
import { CHECKOUT } from "@reelgate/testkit/spawn-app";

/** The last line of `reelgate audit --json`, of which this is what a bench looks at. */
interface AuditSummary {
  violations: number;
  recordings: number;
  mediaJobs: number;
  acknowledged: { ids: number; settled: number; inFlight: number };
}

const summarySchema: z.ZodType<AuditSummary> = z.object({
  violations: z.number(),
  recordings: z.number(),
  mediaJobs: z.number(),
  acknowledged: z.object({ ids: z.number(), settled: z.number(), inFlight: z.number() }),
});

export interface AuditRun {
  exitCode: number | null;
  summary: AuditSummary;
  /** The first few of what it named. */
  violations: string[];
  elapsedMs: number;
}

/**
 * Runs `reelgate audit` over the running product, with a file of the callbacks that were acknowledged.
 *
 * @throws when it gives no summary.
 */
export async function runAudit(
  servers: { redisUrl: string; databaseUrl: string },
  acknowledgedFile: string,
): Promise<AuditRun> {
  const startedMs = performance.now();
  const child = spawn(
    process.execPath,
    [
      join(CHECKOUT, "apps/cli/dist/main.js"),
      "audit",
      "--json",
      "--acknowledged",
      acknowledgedFile,
    ],
    {
      env: cleanEnv({ REDIS_URL: servers.redisUrl, DATABASE_URL: servers.databaseUrl }),
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const [exitCode] = (await once(child, "close")) as [number | null];
  const lines = output.split("\n").filter((line) => line !== "");
  return {
    exitCode,
    summary: summarySchema.parse(JSON.parse(lines.at(-1) ?? "null")),
    violations: lines.filter((line) => line.includes('"violation"')).slice(0, 10),
    elapsedMs: performance.now() - startedMs,
  };
}

/** For the list of targets: every callback that was acknowledged has its outcome, and nothing else is wrong. */
export function isClean({ exitCode, summary }: AuditRun, acknowledged: number): boolean {
  return (
    exitCode === 0 && summary.violations === 0 && summary.acknowledged.settled === acknowledged
  );
}

/**
 * How many callbacks have an outcome. Numbers of rows are cheap to ask for, and never fewer; they say more than there
 * are, since a callback that comes again uses one up, so that the rows are counted once there may be `enough`.
 */
export async function settledCount(db: CatalogueDatabase, enough: number): Promise<number> {
  const { callbacks } = await auditExtent(db);
  return callbacks < enough ? callbacks : await outcomeCount(db);
}
