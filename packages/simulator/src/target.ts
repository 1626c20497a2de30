import { DEFAULT_ORIGIN_PORT, LOCAL_RUN_FILE } from "@reelgate/shared/contract/local-run";
import type { LocalRun } from "@reelgate/shared/contract/local-run";
import { join } from "node:path";
import type { ApiTarget } from "./api-client.ts";
import type { Environment } from "./config.ts";

/** A run that was asked for in a way that cannot be done. Its message says what to do. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

export interface TargetFlags {
  url?: string | undefined;
  key?: string | undefined;
  api?: string | undefined;
  user?: string | undefined;
  password?: string | undefined;
  originHost?: string | undefined;
  originPort?: number | undefined;
  withOrigin?: boolean | undefined;
  verify: boolean;
}

/** Private unless asked otherwise: the files are for receivers on this machine. */
const DEFAULT_ORIGIN_HOST = "127.0.0.1";

/** Where to send, with which key, and whom to ask afterwards. */
export interface Target {
  url: string;
  key: string;
  /** The IP address at which the origin listens and is reached. */
  originHost: string;
  originPort: number;
  /** Null unless the run is to be verified. */
  api: ApiTarget | null;
}

function httpUrl(flag: string, text: string): string {
  const isHttp = URL.canParse(text) && /^https?:$/u.test(new URL(text).protocol);
  if (!isHttp) {
    throw new UsageError(
      `${flag}: "${text}" is no http or https URL, such as http://127.0.0.1:8080`,
    );
  }
  return text;
}

const sameOrigin = (a: string, b: string): boolean => new URL(a).origin === new URL(b).origin;

/**
 * Each value comes from its flag, else from the environment, else from the running `npm start`. What that one made up
 * for itself is used for its own addresses alone: another system is not sent its secrets.
 *
 * @throws UsageError that names what is missing and how to give it.
 */
export function resolveTarget(
  flags: TargetFlags,
  environment: Environment,
  local: LocalRun | null,
): Target {
  const where = join(environment.dataDir, LOCAL_RUN_FILE);
  const nothingRuns = `and nothing runs here (no live ${where}). Start it with \`npm start\``;
  const url = flags.url === undefined ? local?.callbackUrl : httpUrl("--url", flags.url);
  if (url === undefined) {
    throw new UsageError(
      `Where to? --url is not given ${nothingRuns}, or pass --url http://host:8080/callbacks/css --key <key>.`,
    );
  }
  const localKey = local !== null && sameOrigin(url, local.callbackUrl) ? local.callbackKey : null;
  const key = flags.key ?? environment.callbackKey ?? localKey;
  if (key === null || key === "") {
    throw new UsageError(
      `Which key? Pass --key <key>, or set CALLBACK_KEYS, to sign for ${new URL(url).origin}.`,
    );
  }
  const originHost = flags.originHost ?? DEFAULT_ORIGIN_HOST;
  const isClosed = flags.url === undefined && local?.originPort === null;
  if (flags.withOrigin === true && flags.originPort === undefined && isClosed) {
    throw new UsageError(
      "--with-origin: the running `npm start` may fetch from no port of this machine. Add 127.0.0.1:8090 to its MEDIA_ALLOWED_HOSTS, or pass --origin-port if a block of the list covers it.",
    );
  }
  const originPort = flags.originPort ?? local?.originPort ?? DEFAULT_ORIGIN_PORT;
  if (!flags.verify) return { url, key, originHost, originPort, api: null };

  const apiUrl = flags.api === undefined ? local?.dashboardUrl : httpUrl("--api", flags.api);
  if (apiUrl === undefined) {
    throw new UsageError(
      `Whom to ask? --verify needs the dashboard: --api is not given ${nothingRuns}, or pass --api http://host:3000 --password <password>.`,
    );
  }
  const isLocal = local !== null && sameOrigin(apiUrl, local.dashboardUrl);
  const password =
    flags.password ?? environment.dashboardPassword ?? (isLocal ? local.dashboardPassword : null);
  if (password === null) {
    throw new UsageError(
      `Which password? Pass --password <password>, or set DASHBOARD_PASSWORD, for ${new URL(apiUrl).origin}.`,
    );
  }
  const user = flags.user ?? environment.dashboardUser ?? (isLocal ? local.dashboardUser : "admin");
  return { url, key, originHost, originPort, api: { url: apiUrl, user, password } };
}
