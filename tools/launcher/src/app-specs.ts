import { join } from "node:path";
import { DEFAULT_ORIGIN_PORT } from "@reelgate/shared/contract/local-run";
import { APP_NAMES, appScript } from "./apps.ts";
import type { AppName, AppSpec } from "./apps.ts";
import type { LauncherConfig } from "./config.ts";
import type { Credentials } from "./credentials.ts";

/** The first choice; any free port is taken when another system has it. */
export const PREFERRED_OPS_PORTS: Readonly<Record<AppName, number>> = {
  ingress: 9091,
  worker: 9092,
  dashboard: 9093,
};

export interface AppSpecInput {
  root: string;
  config: LauncherConfig;
  credentials: Credentials;
  redisUrl: string;
  databaseUrl: string;
  opsPorts: Readonly<Record<AppName, number>>;
  /** Other scripts than the built apps, for tests of the launcher. */
  scripts?: Partial<Record<AppName, string>>;
}

/** Apps get this long to finish what they have accepted, in milliseconds; then they are killed. */
export const APP_GRACE_MS = 15_000;

/** Derives how each app is started from the configuration and from what the embedded servers turned out to be. */
export function appSpecs(input: AppSpecInput): AppSpec[] {
  const { config, credentials } = input;
  const env: NodeJS.ProcessEnv = {
    ...config.env,
    PORT: String(config.PORT),
    HOST: config.HOST,
    DASHBOARD_PORT: String(config.DASHBOARD_PORT),
    DASHBOARD_HOST: config.DASHBOARD_HOST,
    DASHBOARD_USER: config.DASHBOARD_USER,
    DASHBOARD_PASSWORD: config.DASHBOARD_PASSWORD ?? credentials.dashboardPassword,
    CALLBACK_KEYS: config.CALLBACK_KEYS ?? (config.ALLOW_UNSIGNED ? "" : credentials.callbackKey),
    REDIS_URL: input.redisUrl,
    DATABASE_URL: input.databaseUrl,
    MEDIA_ALLOWED_HOSTS:
      config.MEDIA_ALLOWED_HOSTS ?? `*.myqcloud.com,127.0.0.1:${DEFAULT_ORIGIN_PORT}`,
    OPS_HOST: config.env.OPS_HOST || "127.0.0.1",
    SPOOL_DIR: config.env.SPOOL_DIR || join(config.dataDir, "spool"),
    // A second less than the launcher waits for them: they end by themselves, and hand over what they cannot finish.
    SHUTDOWN_GRACE_MS: config.env.SHUTDOWN_GRACE_MS || String(APP_GRACE_MS - 1000),
  };
  return APP_NAMES.map((name) => {
    const readyUrls = [`http://127.0.0.1:${input.opsPorts[name]}/readyz`];
    if (name === "ingress") readyUrls.push(`${localUrl(config.HOST, config.PORT)}/readyz`);
    return {
      name,
      script: input.scripts?.[name] ?? appScript(input.root, name),
      env: { ...env, OPS_PORT: String(input.opsPorts[name]) },
      readyUrls,
    };
  });
}

/** The URL under which this machine reaches what listens on `host`: every address includes the loopback one. */
export function localUrl(host: string, port: number): string {
  if (host === "0.0.0.0" || host === "::" || host === "") return `http://127.0.0.1:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
