import { join } from "node:path";
import { BIN, ROOT, workspaceEnv } from "./checkout.mjs";
import { step } from "./progress.mjs";
import { lastReason, runQuietly } from "./run-quietly.mjs";
import { SetupError } from "./setup-error.mjs";

/** Compiles what has changed since the last build; turbo's own cache makes this under a second when nothing has. */
export async function buildWorkspace() {
  const { code, output } = await step("Building", () =>
    runQuietly(
      join(BIN, "turbo"),
      ["run", "build", "--output-logs=errors-only", "--log-prefix=none"],
      {
        cwd: ROOT,
        env: workspaceEnv({
          TURBO_TELEMETRY_DISABLED: "1",
          TURBO_NO_UPDATE_NOTIFIER: "1",
          DO_NOT_TRACK: "1",
          NO_COLOR: "1",
          CI: "true",
        }),
      },
    ),
  );
  if (code !== 0) {
    process.stderr.write(output);
    throw new SetupError(`The build failed: ${lastReason(output)}`);
  }
}
