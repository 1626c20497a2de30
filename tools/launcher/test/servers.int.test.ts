import { parseRedisUrl } from "@reelgate/shared/redis-url";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTestPostgres } from "@reelgate/testkit/postgres-server";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkGivenRedis } from "../src/given-redis.ts";
import { startProcess } from "../src/servers/child-process.ts";
import { postgresAccount } from "../src/servers/postgres-account.ts";
import { startPostgresServer } from "../src/servers/postgres-server.ts";
import { startRedisServer } from "../src/servers/redis-server.ts";
import { freePort } from "../src/servers/tcp-port.ts";

let folder = "";
beforeEach(() => {
  // Only its owner can enter it.
  folder = mkdtempSync(join(tmpdir(), "reelgate-test-servers-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("a durable Redis that was given is accepted", async () => {
  await using redis = await startTestRedis();
  expect(await checkGivenRedis(parseRedisUrl(redis.url), "require")).toBeNull();
});

test("a given Redis that may lose callbacks is refused with what mends it, or warned of", async () => {
  await using redis = await startTestRedis({ settings: { appendfsync: "everysec" } });
  await expect(checkGivenRedis(parseRedisUrl(redis.url), "require")).rejects.toThrow(
    /appendfsync=everysec.*redis-cli CONFIG SET appendonly yes; CONFIG SET appendfsync always; .*REDIS_DURABILITY=warn/u,
  );
  expect(await checkGivenRedis(parseRedisUrl(redis.url), "warn")).toMatch(/may lose callbacks/u);
});

test("a given Redis that does not answer is named, without its password", async () => {
  const port = await freePort();
  const checking = checkGivenRedis(parseRedisUrl(`redis://:secret@127.0.0.1:${port}/0`), "require");
  await expect(checking).rejects.toThrow(/does not answer \(.*ECONNREFUSED/u);
  await expect(checking).rejects.not.toThrow("secret");
});

test("the password of an embedded Redis is in no process list", async () => {
  await using redis = await startRedisServer({
    dataDir: join(folder, "redis"),
    password: "aPassword",
    env: process.env,
  });
  expect(readFileSync(`/proc/${redis.pid}/cmdline`, "utf8")).not.toContain("aPassword");
});

test("a Redis that cannot start says why", async () => {
  const starting = startRedisServer({
    dataDir: join(folder, "redis"),
    password: "p",
    env: process.env,
    settings: { appendfsync: "sometimes" },
  });
  await expect(starting).rejects.toThrow(/redis-server did not start: exit code 1: .*appendfsync/u);
});

test("a Redis on a port that is taken does not start on another", async () => {
  await using holder = await startTestRedis();
  const starting = startRedisServer({
    dataDir: join(folder, "redis"),
    password: "p",
    env: process.env,
    port: holder.port,
  });
  await expect(starting).rejects.toThrow("Address already in use");
});

test("a live Postgres on the same data is named", async () => {
  await using postgres = await startTestPostgres();
  const commandLine = readFileSync(`/proc/${postgres.pid}/cmdline`, "utf8").split("\0");
  const dataDir = commandLine[commandLine.indexOf("-D") + 1] ?? "";
  const starting = startPostgresServer({ dataDir, password: "p", env: process.env });
  await expect(starting).rejects.toThrow(
    `Another Postgres (process ${postgres.pid}) is using ${dataDir}. Stop it, or set another DATA_DIR.`,
  );
});

test("the pid file of a Postgres whose pid another process has by now does not stop the next", async () => {
  const dataDir = join(folder, "postgres");
  const first = await startPostgresServer({ dataDir, password: "p", env: process.env });
  await first.stop();
  writeFileSync(join(dataDir, "postmaster.pid"), `${process.pid}\n${dataDir}\n`);
  await using second = await startPostgresServer({ dataDir, password: "p", env: process.env });
  expect(second.pid).toBeGreaterThan(0);
  // As root it runs as another user, under a folder that this user cannot enter.
  const { uid } = statSync(`/proc/${second.pid}`);
  expect(uid === 0).toBe(false);
  expect(existsSync(join(folder, `.${process.pid}-new-postgres`))).toBe(false);
});

test("a program under a folder that only root can enter runs as another user", async () => {
  mkdirSync(join(folder, "bin"));
  mkdirSync(join(folder, "data"));
  const program = join(folder, "bin", "id");
  copyFileSync("/usr/bin/id", program);
  chmodSync(program, 0o755);
  const account = postgresAccount(join(folder, "data"), program, process.env.PATH ?? "");
  const lines: string[] = [];
  const running = await startProcess({
    ...account.wrap(program, ["-u"]),
    env: process.env,
    onLine: (line) => lines.push(line),
  });
  expect(await running.exited).toEqual({ code: 0, signal: null });
  expect(lines).toEqual([String(statSync(join(folder, "data")).uid)]);
  expect(lines).not.toEqual(["0"]);
});

test("a program that is not there is a missing tool", async () => {
  const starting = startProcess({
    command: join(folder, "nothing"),
    args: [],
    env: process.env,
    onLine: () => {},
  });
  await expect(starting).rejects.toMatchObject({ code: "tool_missing" });
});

test("a process that ignores the signal is killed at the deadline", async () => {
  const lines: string[] = [];
  const running = await startProcess({
    command: "/bin/sh",
    args: ["-c", "trap '' TERM; echo ready; while :; do read -r line || sleep 1; done"],
    env: process.env,
    onLine: (line) => lines.push(line),
  });
  await expect.poll(() => lines).toEqual(["ready"]);
  await running.stop("SIGTERM", 50);
  expect(await running.exited).toEqual({ code: null, signal: "SIGKILL" });
});
