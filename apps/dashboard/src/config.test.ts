import { describe, expect, test } from "vitest";
import { readConfig } from "./config.ts";

const complete = {
  DASHBOARD_PASSWORD: "correct horse battery",
  REDIS_URL: "redis://localhost",
  DATABASE_URL: "postgres://localhost/reelgate",
};

describe("the dashboard's configuration", () => {
  test("listens on loopback, for the user admin, unless told otherwise", () => {
    expect(readConfig(complete)).toMatchObject({
      DASHBOARD_PORT: 3000,
      DASHBOARD_HOST: "127.0.0.1",
      DASHBOARD_USER: "admin",
      DASHBOARD_PASSWORD: "correct horse battery",
    });
  });

  test.each([
    ["DASHBOARD_PASSWORD", undefined],
    ["DASHBOARD_PASSWORD", ""],
    ["DASHBOARD_PASSWORD", "sEcReT7"],
    ["DASHBOARD_PASSWORD", "sEcReT7\nsEcReT7"],
    ["DASHBOARD_USER", "ad:min"],
    ["DASHBOARD_PORT", "65536"],
    ["REDIS_URL", "http://user:sEcReT7@localhost"],
    ["DATABASE_URL", "mysql://user:sEcReT7@localhost"],
  ])("%s=%j is refused by name, without its secret", (name, value) => {
    const read = (): unknown => readConfig({ ...complete, [name]: value });
    expect(read).toThrow(expect.objectContaining({ code: "config_invalid" }) as Error);
    expect(read).toThrow(name);
    expect(read).not.toThrow("sEcReT7");
  });
});
