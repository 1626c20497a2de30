import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { createDatabase } from "@reelgate/catalogue/admin";
import { createRedis } from "@reelgate/shared/redis";
import { until } from "@reelgate/testkit/latch";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { expect, test } from "vitest";
import {
  envOf,
  isAlive,
  makeDataDir,
  recorded,
  recordedProcesses,
  startLauncher,
} from "./launcher-process.ts";

const PROCESS_NAMES = ["dashboard", "ingress", "postgres", "redis", "worker"];

/** The address of an embedded server, which `run.json` tells. */
function embedded(url: string | null): string {
  if (url === null) throw new Error("this run has no embedded server");
  return url;
}

async function setKey(redisUrl: string, name: string, value: string): Promise<void> {
  const client = createRedis({ url: redisUrl, role: "worker", name: "test", onError: () => {} });
  await client.set(name, value);
  client.disconnect();
}

async function getKey(redisUrl: string, name: string): Promise<string | null> {
  const client = createRedis({ url: redisUrl, role: "worker", name: "test", onError: () => {} });
  const value = await client.get(name);
  client.disconnect();
  return value;
}

test("everything starts with made-up secrets, and Ctrl-C leaves nothing running", async () => {
  await using dataDir = await makeDataDir();
  await using launcher = startLauncher(dataDir);
  const run = await launcher.ready();
  expect(run.pid).toBe(launcher.pid);
  expect(run.callbackUrl).toBe(`http://127.0.0.1:${dataDir.port}/callbacks/css`);
  expect(launcher.output()).toContain(run.callbackUrl);
  expect(launcher.output()).toContain(`${run.callbackKey}   (made up`);
  expect(launcher.output()).toContain(`${run.dashboardPassword}   (made up)`);
  expect(launcher.output()).toContain("npm run simulate");
  for (const secret of ["run.json", "credentials.json", "processes.json"]) {
    expect(statSync(join(dataDir.path, secret)).mode & 0o777).toBe(0o600);
  }
  const env = await envOf(dataDir.port);
  expect(env).toMatchObject({
    CALLBACK_KEYS: run.callbackKey,
    DASHBOARD_PASSWORD: run.dashboardPassword,
    REDIS_URL: embedded(run.redisUrl),
    DATABASE_URL: embedded(run.databaseUrl),
    MEDIA_ALLOWED_HOSTS: "*.myqcloud.com,127.0.0.1:8090",
  });

  const processes = recordedProcesses(dataDir);
  expect(processes.map((entry) => entry.name).toSorted()).toEqual(PROCESS_NAMES);
  expect(processes.every(isAlive)).toBe(true);
  launcher.kill("SIGINT");
  // npm passes on the Ctrl-C that the terminal has delivered already: still one.
  launcher.kill("SIGINT");
  expect(await launcher.exitCode()).toBe(0);
  expect(processes.filter(isAlive)).toEqual([]);
  expect(existsSync(join(dataDir.path, "run.json"))).toBe(false);
});

test("a second start has the same secrets and finds its data", async () => {
  await using dataDir = await makeDataDir();
  const first = startLauncher(dataDir);
  const before = await first.ready();
  await setKey(embedded(before.redisUrl), "kept", "yes");
  await createDatabase(embedded(before.databaseUrl), "kept");
  first.kill("SIGTERM");
  expect(await first.exitCode()).toBe(0);

  await using second = startLauncher(dataDir);
  const after = await second.ready();
  expect(after.callbackKey).toBe(before.callbackKey);
  expect(after.dashboardPassword).toBe(before.dashboardPassword);
  expect(await getKey(embedded(after.redisUrl), "kept")).toBe("yes");
  // Only an existing database can be a template.
  await createDatabase(embedded(after.databaseUrl), "copy", { template: "kept" });
});

test("secrets and servers that were given are used, and never shown", async () => {
  await using dataDir = await makeDataDir();
  await using redis = await startTestRedis();
  await using database = await createTestDatabase({ migrated: false });
  await using launcher = startLauncher(dataDir, {
    CALLBACK_KEYS: "givenKey1,givenKey2",
    CALLBACK_PATH_TOKEN: "givenToken",
    DASHBOARD_PASSWORD: "givenPassword",
    REDIS_URL: redis.url,
    DATABASE_URL: database.url,
  });
  const run = await launcher.ready();
  expect(launcher.output()).not.toMatch(/given(?:Key|Token|Password)/u);
  expect(launcher.output()).not.toContain(redis.url);
  expect(launcher.output()).not.toContain(database.url);
  expect(run).toMatchObject({
    callbackKey: null,
    dashboardPassword: null,
    redisUrl: null,
    databaseUrl: null,
  });
  expect(await envOf(dataDir.port)).toMatchObject({
    CALLBACK_KEYS: "givenKey1,givenKey2",
    DASHBOARD_PASSWORD: "givenPassword",
    REDIS_URL: redis.url,
  });
  expect(
    recordedProcesses(dataDir).every((entry) =>
      ["ingress", "worker", "dashboard"].includes(entry.name),
    ),
  ).toBe(true);
});

test.each(["PORT", "DASHBOARD_PORT"])(
  "a busy %s: one line that names it, and nothing runs",
  async (variable) => {
    await using dataDir = await makeDataDir();
    const port = variable === "PORT" ? dataDir.port : dataDir.dashboardPort;
    const holder = createServer().listen(port, "127.0.0.1");
    await once(holder, "listening");
    await using launcher = startLauncher(dataDir);
    expect(await launcher.exitCode()).toBe(1);
    holder.close();
    expect(launcher.output()).toBe(
      `reelgate: Port ${port} of 127.0.0.1 is taken. Stop what listens there, or choose another: ${variable}=${port + 1} npm start\n`,
    );
    expect(existsSync(join(dataDir.path, "postgres"))).toBe(false);
    expect(existsSync(join(dataDir.path, "launcher.lock"))).toBe(false);
  },
);

test("two launchers do not share a data folder", async () => {
  await using dataDir = await makeDataDir();
  await using database = await createTestDatabase({ migrated: false });
  await using first = startLauncher(dataDir, { DATABASE_URL: database.url });
  await first.ready();
  await using second = startLauncher(dataDir);
  expect(await second.exitCode()).toBe(1);
  expect(second.output()).toBe(
    `reelgate: Another npm start (process ${first.pid}) is using ${dataDir.path}. Stop it, or set another DATA_DIR.\n`,
  );
  expect(recordedProcesses(dataDir).every(isAlive)).toBe(true);
});

test("what a killed launcher left running is stopped by the next one, and its data is there", async () => {
  await using dataDir = await makeDataDir();
  const killed = startLauncher(dataDir);
  const before = await killed.ready();
  await setKey(embedded(before.redisUrl), "kept", "yes");
  const left = recordedProcesses(dataDir);
  killed.kill("SIGKILL");
  // The apps and servers hold its output open, so that its end cannot be waited for by that.
  await until(
    () => !isAlive({ name: "launcher", pid: killed.pid, identity: "" }) && left.every(isAlive),
  );

  await using next = startLauncher(dataDir);
  const after = await next.ready();
  expect(next.output()).toMatch(/^Stopped what an earlier run had left running: /mu);
  expect(left.filter(isAlive)).toEqual([]);
  expect(await getKey(embedded(after.redisUrl), "kept")).toBe("yes");
});

test("an app and the servers are started again when they die, on their ports and data", async () => {
  await using dataDir = await makeDataDir();
  await using launcher = startLauncher(dataDir);
  const run = await launcher.ready();
  await setKey(embedded(run.redisUrl), "kept", "yes");
  for (const name of ["redis", "postgres", "worker"]) {
    const before = recorded(dataDir, name);
    process.kill(before.pid, "SIGKILL");
    const after = await until(
      () => {
        const now = recorded(dataDir, name);
        return now.pid !== before.pid && isAlive(now) ? now : null;
      },
      { timeoutMs: 30_000, what: `${name} running again` },
    );
    expect(after.pid).not.toBe(before.pid);
  }
  await until(() => launcher.output().match(/is running again/gu)?.length === 3, {
    timeoutMs: 30_000,
  });
  expect(launcher.output()).toMatch(
    /^Redis ended with signal SIGKILL; starting it again in 500 ms$/mu,
  );
  expect(await getKey(embedded(run.redisUrl), "kept")).toBe("yes");
});

test("an app that refuses to start ends everything, with its own words", async () => {
  await using dataDir = await makeDataDir();
  await using database = await createTestDatabase({ migrated: false });
  await using launcher = startLauncher(dataDir, {
    DATABASE_URL: database.url,
    STAND_IN_REFUSES: "SOME_VARIABLE: is wrong",
  });
  expect(await launcher.exitCode()).toBe(1);
  expect(launcher.output()).toMatch(
    /^reelgate: The \w+ did not start \(exit code 1\): SOME_VARIABLE: is wrong\n$/u,
  );
  expect(recordedProcesses(dataDir)).toEqual([]);
});

test("a stop that comes while everything is starting is a stop", async () => {
  await using dataDir = await makeDataDir();
  await using database = await createTestDatabase({ migrated: false });
  await using launcher = startLauncher(dataDir, { DATABASE_URL: database.url });
  await until(() => existsSync(join(dataDir.path, "processes.json")));
  launcher.kill("SIGTERM");
  expect(await launcher.exitCode()).toBe(0);
  expect(launcher.output()).not.toContain("Reelgate is running");
  expect(recordedProcesses(dataDir)).toEqual([]);
});

test("the system stops when the process that started it is gone", async () => {
  await using dataDir = await makeDataDir();
  await using database = await createTestDatabase({ migrated: false });
  await using launcher = startLauncher(dataDir, { DATABASE_URL: database.url });
  await launcher.ready();
  const processes = recordedProcesses(dataDir);
  launcher.disconnect();
  expect(await launcher.exitCode()).toBe(0);
  expect(processes.filter(isAlive)).toEqual([]);
});

test("bad configuration names the variable before anything starts", async () => {
  await using dataDir = await makeDataDir();
  await using launcher = startLauncher(dataDir, {
    PORT: "eighty",
    DATABASE_URL: "mysql://secret@db/x",
  });
  expect(await launcher.exitCode()).toBe(1);
  expect(launcher.output()).toContain('PORT: "eighty" is not a whole number from 1 to 65535');
  expect(launcher.output()).toContain(
    "DATABASE_URL: its value must begin with postgres:// or postgresql://",
  );
  expect(launcher.output()).not.toContain("secret");
  expect(existsSync(dataDir.path)).toBe(false);
});

test("a database whose credentials are gone is named, and left alone", async () => {
  await using dataDir = await makeDataDir();
  mkdirSync(join(dataDir.path, "postgres"), { recursive: true });
  writeFileSync(join(dataDir.path, "postgres", "PG_VERSION"), "18\n");
  await using launcher = startLauncher(dataDir);
  expect(await launcher.exitCode()).toBe(1);
  expect(launcher.output()).toMatch(
    /credentials\.json is missing, but the database in .*postgres needs its password/u,
  );
});
