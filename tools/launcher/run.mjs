import { spawn } from "node:child_process";
import { join } from "node:path";
import { NODE, ROOT, workspaceEnv } from "./setup/checkout.mjs";
import { whenNpmIsLost } from "./setup/npm-ancestors.mjs";
import { setUp } from "./setup/setup.mjs";
import { SetupError, runOrExplain } from "./setup/setup-error.mjs";

/**
 * The commands of the workspace that need it set up first. `file` is run by the workspace's Node with the arguments
 * that the user gave.
 */
const COMMANDS = {
  test: {
    file: "tools/launcher/commands/test.mjs",
    build: true,
    redis: { orSet: "" },
    promtool: true,
    chromium: true,
  },
  check: { file: "tools/launcher/commands/check.mjs", build: true, redis: false },
  simulate: { file: "packages/simulator/dist/cli.js", build: true, redis: false },
  media: {
    file: "packages/media/dist/cli.js",
    // As for the worker: see NODE_FLAGS in src/apps.ts.
    nodeFlags: ["--max-semi-space-size=2"],
    build: true,
    redis: false,
  },
  reelgate: { file: "apps/cli/dist/main.js", build: true, redis: false },
  bench: { file: "bench/cli.ts", build: true, redis: false },
  chaos: { file: "chaos/src/cli.ts", build: true, redis: { orSet: "" } },
};

await runOrExplain(async () => {
  const [name = "", ...args] = process.argv.slice(2);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    throw new SetupError(
      `There is no command "${name}". The commands are ${Object.keys(COMMANDS).join(", ")}.`,
    );
  }
  await setUp(command);
  const child = spawn(NODE, [...(command.nodeFlags ?? []), join(ROOT, command.file), ...args], {
    stdio: "inherit",
    cwd: ROOT,
    env: workspaceEnv(),
  });
  // A terminal's Ctrl-C reaches the child by itself, and npm passes it on as well: here it must only not end the
  // parent first. SIGTERM and SIGHUP come to this process alone.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  whenNpmIsLost(() => child.kill("SIGTERM"));
  process.exitCode = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
});
