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
      DASHBOARD_TRUST_PROXY: 0,
      DASHBOARD_PASSWORD: "correct horse battery",
    });
  });

  test("shows copies with a storage, and plays from the provider where that is allowed", () => {
    expect(readConfig(complete)).toMatchObject({ copies: null, PLAYER_PROVIDER_HOSTS: null });
    const storage = {
      STORAGE_URL: "s3://recordings-1/live?region=ap-guangzhou",
      STORAGE_ACCESS_KEY_ID: "id",
      STORAGE_SECRET_ACCESS_KEY: "sEcReT7",
    };
    expect(
      readConfig({ ...complete, ...storage, PLAYER_PROVIDER_HOSTS: "*.myqcloud.com" }),
    ).toMatchObject({
      copies: {
        target: { kind: "s3", bucket: "recordings-1" },
        credentials: { accessKeyId: "id", secretAccessKey: "sEcReT7" },
      },
      PLAYER_PROVIDER_HOSTS: { sources: ["*.myqcloud.com"] },
    });
    const half = { ...complete, ...storage, STORAGE_ACCESS_KEY_ID: "" };
    expect(() => readConfig(half)).toThrow("STORAGE_ACCESS_KEY_ID");
    expect(() => readConfig(half)).not.toThrow("sEcReT7");
  });

  test.each([
    ["DASHBOARD_PASSWORD", undefined],
    ["DASHBOARD_PASSWORD", ""],
    ["DASHBOARD_PASSWORD", "sEcReT7"],
    ["DASHBOARD_PASSWORD", "sEcReT7\nsEcReT7"],
    ["DASHBOARD_USER", "ad:min"],
    ["DASHBOARD_PORT", "65536"],
    ["DASHBOARD_TRUST_PROXY", "true"],
    ["REDIS_URL", "http://user:sEcReT7@localhost"],
    ["DATABASE_URL", "mysql://user:sEcReT7@localhost"],
    ["STORAGE_URL", "s3://sEcReT7:sEcReT7@bucket"],
    ["PLAYER_PROVIDER_HOSTS", "10.0.0.0/8"],
    ["PLAYER_PROVIDER_HOSTS", "a.example;script-src *"],
  ])("%s=%j is refused by name, without its secret", (name, value) => {
    const read = (): unknown => readConfig({ ...complete, [name]: value });
    expect(read).toThrow(expect.objectContaining({ code: "config_invalid" }) as Error);
    expect(read).toThrow(name);
    expect(read).not.toThrow("sEcReT7");
  });
});
