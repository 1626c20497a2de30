/** What a process needs of the machine that it runs on, and nothing that configures Reelgate. */
const KEPT = ["PATH", "HOME", "TMPDIR", "LANG", "USER", "LOGNAME", "SHELL", "TZ"];

/**
 * An environment for a spawned app: the tests must not depend on what the developer's shell happens to export.
 *
 * @param variables what the app is to be configured with
 */
export function cleanEnv(
  variables: Readonly<Record<string, string>> = {},
  from: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const kept = KEPT.flatMap((name) => (from[name] === undefined ? [] : [[name, from[name]]]));
  return { ...Object.fromEntries(kept), ...variables };
}

/** Variables by which Reelgate is configured; the runner removes them from its own environment. */
const FOREIGN =
  /^(?:REDIS_|DATABASE_|CALLBACK|DASHBOARD_|MEDIA_|WORKER_|OPS_|SPOOL_|STORAGE_|OTEL_|PG[A-Z]+$|PORT$|HOST$|DATA_DIR$|LOG_LEVEL$|ALLOW_UNSIGNED$|MAX_|SHUTDOWN_)/u;

/** Removes from `env` what would configure Reelgate. */
export function removeConfiguration(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(env)) {
    if (FOREIGN.test(name)) delete env[name];
  }
}
