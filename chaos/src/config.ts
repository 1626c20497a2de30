/** What the servers are started with: PATH decides which redis-server runs. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return process.env;
}
