import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CHECK_CONFIG_FLAG, configReportSchema } from "@reelgate/shared/config-report";
import type { ConfigReport } from "@reelgate/shared/config-report";
import { AppError } from "@reelgate/shared/errors";
import type { CheckedApp } from "../ports.ts";

const TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 1_048_576;

/**
 * Asks another app what it thinks of this environment. Apps share no code, so it is the app itself that is run: its
 * `main`, beside this one in the checkout and in the image alike.
 *
 * @throws AppError `setup_failed` when the app is not there or says nothing that can be read.
 */
export async function askApp(
  app: Exclude<CheckedApp, "cli">,
  node: { path: string; options: readonly string[] },
): Promise<ConfigReport> {
  // From dist to dist, and from src to src where the sources are run as they are.
  const file = import.meta.url.endsWith(".ts") ? "src/main.ts" : "dist/main.js";
  const script = fileURLToPath(new URL(`../../../${app}/${file}`, import.meta.url));
  if (!existsSync(script)) {
    throw new AppError("setup_failed", {
      message: `The ${app} is not built: there is no ${script}.`,
    });
  }
  const output = await new Promise<string>((resolve) => {
    const options = { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
    // Its exit code says no more than the report does.
    execFile(node.path, [...node.options, script, CHECK_CONFIG_FLAG], options, (_error, stdout) =>
      resolve(stdout),
    );
  });
  try {
    return configReportSchema.parse(JSON.parse(output));
  } catch (error) {
    throw new AppError("setup_failed", {
      message: `The ${app} gave no report of its configuration.`,
      cause: error,
    });
  }
}
