import { execFile } from "node:child_process";
import { join } from "node:path";
import { cleanEnv } from "./clean-env.ts";
import { CHECKOUT } from "./spawn-app.ts";

const TIMEOUT_MS = 60_000;

/** The servers of what is audited. */
export interface AuditedProduct {
  readonly redis: { readonly url: string };
  readonly databaseUrl: string;
}

/** How an audit by the built command line ended: its exit code, and every violation that it named. */
export interface AuditEnd {
  code: number;
  violations: string[];
}

/** Has the command line audit the running product, and the callbacks that it acknowledged. */
export async function auditByCommand(
  { redis, databaseUrl }: AuditedProduct,
  acknowledged: readonly string[],
): Promise<AuditEnd> {
  const script = join(CHECKOUT, "apps/cli/dist/main.js");
  const { code, out } = await new Promise<{ code: number; out: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [script, "audit", "--deep", "--json", "--acknowledged", "-"],
      {
        env: cleanEnv({ REDIS_URL: redis.url, DATABASE_URL: databaseUrl }),
        timeout: TIMEOUT_MS,
        maxBuffer: 16_777_216,
      },
      (error, stdout) => {
        const failed = typeof error?.code === "number" ? error.code : -1;
        resolve({ code: error === null ? 0 : failed, out: stdout });
      },
    );
    child.stdin?.end(acknowledged.join("\n"));
  });
  return { code, violations: out.split("\n").filter((line) => line.includes('"violation"')) };
}
