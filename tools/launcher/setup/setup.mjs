import { buildWorkspace } from "./build.mjs";
import { ensureChromium } from "./chromium.mjs";
import { installDependencies } from "./dependencies.mjs";
import { whenNpmIsLost } from "./npm-ancestors.mjs";
import { ensurePromtool } from "./promtool.mjs";
import { ensureRedisServer } from "./redis.mjs";
import { stopRunning } from "./run-quietly.mjs";
import { SetupError } from "./setup-error.mjs";
import { withSetupLock } from "./setup-lock.mjs";

const INTERRUPTS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/**
 * Brings a machine that has only Node 18 and npm to where the workspace runs. Each part costs next to nothing when
 * there is nothing to do.
 *
 * @param {{ build: boolean, redis: false | { orSet: string }, promtool?: boolean, chromium?: boolean }} parts
 */
export async function setUp({ build, redis, promtool = false, chromium = false }) {
  if (process.platform === "win32") {
    throw new SetupError("Windows has no redis-server. Use WSL, or docker compose.");
  }
  const interrupt = (signal) => {
    stopRunning();
    process.exit(INTERRUPTS[signal]);
  };
  for (const signal of Object.keys(INTERRUPTS)) process.on(signal, interrupt);
  const endWatch = whenNpmIsLost(() => interrupt("SIGTERM"));
  try {
    await withSetupLock(async () => {
      await installDependencies();
      if (redis !== false) await ensureRedisServer(redis);
      if (promtool) await ensurePromtool();
      if (chromium) await ensureChromium();
      if (build) await buildWorkspace();
    });
  } finally {
    endWatch();
    for (const signal of Object.keys(INTERRUPTS)) process.off(signal, interrupt);
  }
}
