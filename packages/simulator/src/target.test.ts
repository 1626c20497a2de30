import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LocalRun } from "@reelgate/shared/contract/local-run";
import { afterEach, describe, expect, it } from "vitest";
import { readEnvironment } from "./config.ts";
import { readLocalRun } from "@reelgate/shared/local-run";
import { UsageError, resolveTarget } from "./target.ts";

const LOCAL: LocalRun = {
  pid: 4711,
  callbackUrl: "http://127.0.0.1:8080/callbacks/css",
  dashboardUrl: "http://127.0.0.1:3000",
  callbackKey: "made-up",
  dashboardUser: "admin",
  dashboardPassword: "made-up-too",
  redisUrl: "redis://127.0.0.1:6379",
  databaseUrl: "postgres://127.0.0.1/reelgate",
  originPort: 9999,
};
const NOTHING = readEnvironment({});

describe("the target", () => {
  it("is the running npm start when nothing is given", () => {
    expect(resolveTarget({ verify: true }, NOTHING, LOCAL)).toEqual({
      url: LOCAL.callbackUrl,
      key: "made-up",
      originHost: "127.0.0.1",
      originPort: 9999,
      api: { url: LOCAL.dashboardUrl, user: "admin", password: "made-up-too" },
    });
  });

  it("takes the environment before the running one, and flags before both", () => {
    const environment = readEnvironment({
      CALLBACK_KEYS: " first , second",
      DASHBOARD_USER: "eve",
      DASHBOARD_PASSWORD: "given",
    });
    expect(resolveTarget({ verify: true }, environment, LOCAL)).toMatchObject({
      key: "first",
      api: { user: "eve", password: "given" },
    });
    const flags = {
      key: "flag",
      user: "u",
      password: "p",
      originHost: "::1",
      originPort: 1,
      verify: true,
    };
    expect(resolveTarget(flags, environment, LOCAL)).toMatchObject({
      key: "flag",
      originHost: "::1",
      originPort: 1,
      api: { user: "u", password: "p" },
    });
  });

  it("sends the local run's secrets nowhere else", () => {
    const url = "https://hooks.example.com/callbacks/css";
    expect(() => resolveTarget({ url, verify: false }, NOTHING, LOCAL)).toThrow("Which key?");
    const flags = { api: "https://dash.example.com", verify: true };
    expect(() => resolveTarget(flags, NOTHING, LOCAL)).toThrow("Which password?");
    expect(resolveTarget({ url, key: "k", verify: false }, NOTHING, null)).toEqual({
      url,
      key: "k",
      originHost: "127.0.0.1",
      originPort: 8090,
      api: null,
    });
  });

  it("says what to pass when something is missing", () => {
    const failures: [Parameters<typeof resolveTarget>[0], LocalRun | null, string][] = [
      [{ verify: false }, null, "--url"],
      [{ url: "http://h/c", verify: false }, null, "--key"],
      [{ url: "http://h/c", key: "k", verify: true }, null, "--api"],
      [{ url: "http://h/c", key: "k", api: "http://h", verify: true }, null, "--password"],
      [{ url: "hooks.example.com", key: "k", verify: false }, null, "--url"],
      [{ url: "ftp://h/c", key: "k", verify: false }, null, "--url"],
      [{ verify: false }, { ...LOCAL, callbackKey: null }, "CALLBACK_KEYS"],
      [{ verify: true }, { ...LOCAL, dashboardPassword: null }, "DASHBOARD_PASSWORD"],
    ];
    for (const [flags, local, named] of failures) {
      const resolve = (): unknown => resolveTarget(flags, NOTHING, local);
      expect(resolve).toThrow(UsageError);
      expect(resolve).toThrow(named);
    }
  });

  it("counts empty variables as unset", () => {
    const environment = readEnvironment({
      CALLBACK_KEYS: "",
      DASHBOARD_PASSWORD: "",
      DATA_DIR: "",
    });
    expect(environment).toEqual(NOTHING);
    expect(NOTHING.dataDir).toBe(".data");
  });
});

describe("run.json", () => {
  const folders: string[] = [];
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
  });
  const folderWith = async (text: string | null): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), "reelgate-simulator-"));
    folders.push(folder);
    if (text !== null) await writeFile(join(folder, "run.json"), text);
    return folder;
  };

  it("is read when its process lives", async () => {
    const folder = await folderWith(JSON.stringify(LOCAL));
    expect(await readLocalRun(folder, (pid) => pid === 4711)).toEqual(LOCAL);
    expect(await readLocalRun(folder, () => false)).toBeNull();
  });

  it.each([null, "", "{", "null", "[]", '{"pid":1}'])("is no run: %s", async (text) => {
    expect(await readLocalRun(await folderWith(text), () => true)).toBeNull();
  });

  it("does not serve media from where the running `npm start` may not fetch them", () => {
    const closed = { ...LOCAL, originPort: null };
    const flags = { withOrigin: true, verify: false };
    expect(() => resolveTarget(flags, NOTHING, closed)).toThrow("may fetch from no port");
    expect(resolveTarget({ ...flags, originPort: 5 }, NOTHING, closed).originPort).toBe(5);
    expect(resolveTarget({ verify: false }, NOTHING, closed).originPort).toBe(8090);
  });
});
