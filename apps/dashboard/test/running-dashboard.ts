import { createLogSink } from "@reelgate/testkit/log-sink";
import type { LogSink } from "@reelgate/testkit/log-sink";
import { compose } from "../src/compose.ts";
import { readConfig } from "../src/config.ts";

export const USER = "admin";
export const PASSWORD = "correct horse battery";

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

export type Init = Omit<RequestInit, "headers"> & { headers?: Record<string, string> };

/** A dashboard of a test, with its real servers behind it. */
export interface RunningDashboard extends AsyncDisposable {
  url: string;
  opsUrl: string;
  log: LogSink;
  /** A request with the right password. */
  get(path: string, init?: Init): Promise<Response>;
  /** Status and parsed body of a GET with the right password. */
  json(path: string, init?: Init): Promise<{ status: number; body: unknown }>;
}

export async function startDashboard(urls: {
  redisUrl: string;
  databaseUrl: string;
  env?: Readonly<Record<string, string>>;
  /** Built web pages; without them there is the plain page. */
  pagesFolder?: string;
}): Promise<RunningDashboard> {
  const log = createLogSink();
  const dashboard = await compose(
    readConfig({
      DASHBOARD_PORT: "0",
      OPS_PORT: "0",
      DASHBOARD_PASSWORD: PASSWORD,
      REDIS_URL: urls.redisUrl,
      DATABASE_URL: urls.databaseUrl,
      LOG_LEVEL: "debug",
      ...urls.env,
    }),
    { logDestination: log.stream, pagesFolder: urls.pagesFolder ?? "/no-pages" },
  );
  const url = `http://127.0.0.1:${dashboard.port}`;
  const get: RunningDashboard["get"] = async (path, init = {}) =>
    await fetch(`${url}${path}`, {
      redirect: "manual",
      ...init,
      headers: { authorization: basic(USER, PASSWORD), ...init.headers },
    });
  return {
    url,
    opsUrl: `http://127.0.0.1:${dashboard.opsPort}`,
    log,
    get,
    json: async (path, init) => {
      const response = await get(path, init);
      return { status: response.status, body: await response.json() };
    },
    [Symbol.asyncDispose]: () => dashboard[Symbol.asyncDispose](),
  };
}
