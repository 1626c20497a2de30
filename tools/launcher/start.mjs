import { spawn } from "node:child_process";
import { join } from "node:path";
import { NODE, ROOT, workspaceEnv } from "./setup/checkout.mjs";
import { whenNpmIsLost } from "./setup/npm-ancestors.mjs";
import { setUp } from "./setup/setup.mjs";
import { runOrExplain } from "./setup/setup-error.mjs";

/**
 * `npm start`: sets the machine up, then hands over to the launcher on the workspace's own Node.
 *
 * The launcher gets its own process group, so that a Ctrl-C of the terminal reaches it once, from here, and it can
 * stop its apps and servers in order. The IPC channel is how it notices that this process was killed.
 */
await runOrExplain(async () => {
  const helpOnly = process.argv.slice(2).some((arg) => arg === "--help" || arg === "-h");
  await setUp({
    build: true,
    redis:
      process.env.REDIS_URL || helpOnly
        ? false
        : { orSet: ", or set REDIS_URL to a server that runs" },
  });
  const launcher = spawn(
    NODE,
    [join(ROOT, "tools", "launcher", "dist", "main.js"), ...process.argv.slice(2)],
    {
      stdio: ["inherit", "inherit", "inherit", "ipc"],
      detached: true,
      env: workspaceEnv(),
    },
  );
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => launcher.kill(signal));
  }
  whenNpmIsLost(() => launcher.kill("SIGTERM"));
  process.exitCode = await new Promise((resolve, reject) => {
    launcher.once("error", reject);
    launcher.once("exit", (code) => resolve(code ?? 1));
  });
});
