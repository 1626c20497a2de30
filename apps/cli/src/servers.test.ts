import type { LocalRun } from "@reelgate/shared/contract/local-run";
import { parseRedisUrl } from "@reelgate/shared/redis-url";
import { describe, expect, it } from "vitest";
import { readCliConfig } from "./config.ts";
import { serversOf } from "./servers.ts";

const LOCAL: LocalRun = {
  pid: 4711,
  callbackUrl: "http://127.0.0.1:8080/callbacks/css",
  dashboardUrl: "http://127.0.0.1:3000",
  callbackKey: null,
  dashboardUser: "admin",
  dashboardPassword: null,
  redisUrl: "redis://127.0.0.1:1",
  databaseUrl: null,
  originPort: null,
};

describe("the servers of a command", () => {
  it("are those of the environment, else those of the running npm start", () => {
    const given = readCliConfig({ REDIS_URL: "redis://given:6379" });
    expect(serversOf(given, LOCAL).redis()).toEqual(parseRedisUrl("redis://given:6379"));
    expect(serversOf(readCliConfig({}), LOCAL).redis()).toEqual(
      parseRedisUrl("redis://127.0.0.1:1"),
    );
  });

  it("are named when they are missing, with the reason, each when it is needed", () => {
    const nothing = serversOf(readCliConfig({ DATA_DIR: "/data" }), null);
    expect(() => nothing.redis()).toThrow(
      "REDIS_URL is not set, and nothing runs here (no live /data/run.json).",
    );
    expect(() => serversOf(readCliConfig({}), LOCAL).databaseUrl()).toThrow(
      "DATABASE_URL is not set, and the `npm start` that runs here was given one",
    );
  });

  it("must be URLs of their kind", () => {
    expect(() => readCliConfig({ REDIS_URL: "http://nonsense" })).toThrow(
      "REDIS_URL: its value must begin with redis://",
    );
  });
});
