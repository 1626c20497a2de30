import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LOCAL_RUN_FILE } from "@reelgate/shared/contract/local-run";
import type { LocalRun } from "@reelgate/shared/contract/local-run";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spawnCommand, temporaryFolder } from "./running-command.ts";
import type { CommandResult } from "./running-command.ts";
import { bodyOf, startSystem } from "./system.ts";
import type { System } from "./system.ts";

let system: System;
beforeAll(async () => {
  system = await startSystem();
  for (let n = 0; n < 300; n++) await system.settle(bodyOf(`r-${n}`));
});
afterAll(async () => {
  await system[Symbol.asyncDispose]();
});

const reelgate = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> => spawnCommand(args, env).result;

describe("the command as a process", () => {
  it("tells its version, and exits with 2 for what it does not know", async () => {
    const [version, unknown] = await Promise.all([
      reelgate(["--version"]),
      reelgate(["recording", "list"]),
    ]);
    expect(version).toMatchObject({ code: 0, err: "" });
    expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/u);
    expect(unknown).toMatchObject({ code: 2, out: "" });
    expect(unknown.err).toContain("Did you mean recordings?");
  });

  it("exits with 2 and says what to set when it knows no system, with 1 when a server is away", async () => {
    const [nothing, away] = await Promise.all([
      reelgate(["recordings", "list"]),
      reelgate(["recordings", "list"], { DATABASE_URL: "postgres://me:pa55word@127.0.0.1:1/x" }),
    ]);
    expect(nothing).toMatchObject({ code: 2, out: "" });
    expect(nothing.err).toContain("DATABASE_URL is not set, and nothing runs here");
    expect(nothing.err).toContain("(config_invalid)");
    expect(away).toMatchObject({ code: 1, out: "" });
    expect(away.err).toMatch(/\(catalogue_unavailable\)\nIs Postgres running/u);
    expect(away.err).not.toContain("pa55word");
    expect(away.err).not.toContain("    at ");
  });

  it("finds the system of a running npm start", async () => {
    await using folder = await temporaryFolder();
    const run: LocalRun = {
      pid: process.pid,
      callbackUrl: "http://127.0.0.1:8080/callbacks/css",
      dashboardUrl: "http://127.0.0.1:3000",
      callbackKey: null,
      dashboardUser: "admin",
      dashboardPassword: null,
      redisUrl: null,
      databaseUrl: system.env["DATABASE_URL"] ?? "",
      originPort: null,
    };
    await writeFile(join(folder.path, LOCAL_RUN_FILE), JSON.stringify(run));
    const env = { DATA_DIR: folder.path };
    const found = await reelgate(["recordings", "list", "--limit", "1", "--json"], env);
    expect(found.code).toBe(0);
    expect(JSON.parse(found.out)).toMatchObject({ state: "pending" });
  });

  it("ends without a word when nobody reads on, as head does", async () => {
    const { process: child, result } = spawnCommand(
      ["callbacks", "list", "--all", "--json"],
      system.env,
    );
    if (child.stdout === null) throw new Error("no pipe");
    await once(child.stdout, "data");
    child.stdout.destroy();
    const { code, err } = await result;
    expect({ code, err }).toEqual({ code: 0, err: "" });
  });

  it("ends in order on Ctrl-C", async () => {
    const { process: child, result } = spawnCommand(["queues", "--watch", "--json"], system.env);
    if (child.stdout === null) throw new Error("no pipe");
    await once(child.stdout, "data");
    child.kill("SIGINT");
    expect(await result).toMatchObject({ code: 1, err: "Stopped.\n" });
  });
});

describe("check-config", () => {
  it("says all that is wrong with an app at once", async () => {
    const { code, out } = await reelgate(["check-config", "ingress"], {
      PORT: "nonsense",
      CALLBACK_KEYS: "5ecretKey,",
      REDIS_URL: "redis://:5ecretPassword@redis",
    });
    expect(code).toBe(1);
    expect(out).toContain("ingress: not usable\n  PORT: ");
    expect(out).toContain("CALLBACK_KEYS: its value has an empty item");
    expect(out).not.toContain("5ecret");
  });

  it("shows what would be in effect, and of secrets only whether they are set", async () => {
    const { code, out } = await reelgate(["check-config", "worker", "cli", "--json"], {
      MEDIA_CONCURRENCY: "3",
      STORAGE_SECRET_ACCESS_KEY: "5ecretKey",
      REDIS_URL: "redis://:5ecretPassword@redis",
      DATABASE_URL: "postgres://me:5ecretPassword@postgres/x",
    });
    expect(code).toBe(0);
    const reports = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { app: string; values: Record<string, string> });
    expect(reports.map(({ app }) => app)).toEqual(["worker", "cli"]);
    expect(reports[0]?.values).toMatchObject({
      MEDIA_CONCURRENCY: "3",
      STORAGE_SECRET_ACCESS_KEY: "set",
      STORAGE_SESSION_TOKEN: "not set",
      MEDIA_MODE: "index (default)",
    });
    expect(out).not.toContain("5ecret");
  });
});
