import { DEFAULT_ORIGIN_PORT } from "@reelgate/shared/contract/local-run";
import type { LocalRun } from "@reelgate/shared/contract/local-run";
import { localUrl } from "./app-specs.ts";
import type { AppName } from "./apps.ts";
import type { LauncherConfig } from "./config.ts";
import type { Credentials } from "./credentials.ts";

export interface RunFacts {
  config: LauncherConfig;
  credentials: Credentials;
  redisUrl: string;
  databaseUrl: string;
  opsPorts: Readonly<Record<AppName, number>>;
}

/** What the commands beside this run need to know; secrets that the user gave stay with the user. */
export function localRun({ config, credentials, redisUrl, databaseUrl }: RunFacts): LocalRun {
  const token = config.CALLBACK_PATH_TOKEN === null ? "" : `/${config.CALLBACK_PATH_TOKEN}`;
  return {
    pid: process.pid,
    callbackUrl: `${localUrl(config.HOST, config.PORT)}/callbacks/css${token}`,
    dashboardUrl: localUrl(config.DASHBOARD_HOST, config.DASHBOARD_PORT),
    callbackKey:
      config.CALLBACK_KEYS === null && !config.ALLOW_UNSIGNED ? credentials.callbackKey : null,
    dashboardUser: config.DASHBOARD_USER,
    dashboardPassword: config.DASHBOARD_PASSWORD === null ? credentials.dashboardPassword : null,
    redisUrl: config.redis === null ? redisUrl : null,
    databaseUrl: config.DATABASE_URL === null ? databaseUrl : null,
    originPort: originPort(config.MEDIA_ALLOWED_HOSTS),
  };
}

/** The port of this machine that a list of allowed hosts opens to the simulator's media origin, null when none. */
function originPort(allowedHosts: string | null): number | null {
  if (allowedHosts === null) return DEFAULT_ORIGIN_PORT;
  const entries = allowedHosts.split(",").map((entry) => entry.trim());
  if (entries.includes("127.0.0.1")) return DEFAULT_ORIGIN_PORT;
  const port = entries.find((entry) => /^127\.0\.0\.1:\d+$/u.test(entry))?.split(":")[1];
  return port === undefined ? null : Number(port);
}

/** The one block that a person reads when everything runs. Shows made-up secrets, and never one that was given. */
export function announcement(facts: RunFacts): string {
  const { config, opsPorts } = facts;
  const run = localRun(facts);
  const callbackUrl =
    config.CALLBACK_PATH_TOKEN === null
      ? run.callbackUrl
      : `${localUrl(config.HOST, config.PORT)}/callbacks/css/<CALLBACK_PATH_TOKEN>`;
  const key =
    run.callbackKey === null
      ? config.CALLBACK_KEYS === null
        ? "none: unsigned callbacks are accepted (ALLOW_UNSIGNED)"
        : "yours (CALLBACK_KEYS)"
      : `${run.callbackKey}   (made up; set CALLBACK_KEYS to use your own)`;
  const password =
    run.dashboardPassword === null
      ? "yours (DASHBOARD_PASSWORD)"
      : `${run.dashboardPassword}   (made up)`;
  const metrics = Object.entries(opsPorts).map(
    ([name, port]) => `${name} http://127.0.0.1:${port}/metrics`,
  );
  const rows: [string, string][] = [
    ["Callbacks", callbackUrl],
    ["Callback key", key],
    ["Dashboard", `${run.dashboardUrl}   (queues: ${run.dashboardUrl}/queues)`],
    ["User", run.dashboardUser],
    ["Password", password],
    ["Metrics", metrics.join("\n                ")],
    ["Redis", config.redis === null ? "embedded" : "yours (REDIS_URL)"],
    ["Postgres", config.DATABASE_URL === null ? "embedded" : "yours (DATABASE_URL)"],
    ["Data and logs", config.dataDir],
  ];
  // The commands beside it look there for what was made up.
  const { DATA_DIR } = config.env;
  const dataDirPrefix =
    DATA_DIR === undefined || DATA_DIR === "" ? "" : `DATA_DIR='${config.dataDir}' `;
  return [
    "",
    "Reelgate is running.",
    "",
    ...rows.map(([name, value]) => `  ${name.padEnd(14)}${value}`),
    "",
    "Try it, in another terminal:",
    `  ${dataDirPrefix}npm run simulate -- --count 200 --scenario mixed${run.originPort === null ? "" : " --with-origin"} --verify`,
    "",
    "Ctrl-C stops everything; the data stays.",
    "",
  ].join("\n");
}
