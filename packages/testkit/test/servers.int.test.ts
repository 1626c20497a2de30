import { createDatabase } from "@reelgate/catalogue/admin";
import { pingRedis } from "@reelgate/launcher/servers/redis-ping";
import { checkRedisDurability, createRedis } from "@reelgate/shared/redis";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { startTestPostgres } from "@reelgate/testkit/postgres-server";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { stopOpenHandles } from "@reelgate/testkit/open-handles";
import { expect, inject, test } from "vitest";

test("a test Redis is durable, keeps its data through SIGKILL, and comes back on its port", async () => {
  await using redis = await startTestRedis();
  const client = createRedis({ url: redis.url, role: "worker", name: "test", onError: () => {} });
  try {
    expect(await checkRedisDurability(client)).toEqual({ durable: true });
    await client.set("kept", "yes");
    await redis.kill("SIGKILL");
    expect(redis.pid).toBe(0);
    await redis.restart();
    expect(await client.get("kept")).toBe("yes");
  } finally {
    client.disconnect();
  }
});

test("a wrong password is refused", async () => {
  await using redis = await startTestRedis();
  const result = await pingRedis(redis.port, "wrong", 1000);
  expect(result).toMatchObject({ ready: false, reason: expect.stringContaining("WRONGPASS") });
});

test("a private Postgres comes back after SIGKILL with what was committed", async () => {
  await using postgres = await startTestPostgres();
  await createDatabase(postgres.adminUrl, "kept");
  await postgres.kill("SIGKILL");
  await postgres.restart();
  expect(postgres.pid).toBeGreaterThan(0);
  // Only an existing database can be a template.
  await createDatabase(postgres.adminUrl, "copy", { template: "kept" });
});

test("a test database is a copy of its own", async () => {
  await using first = await createTestDatabase();
  await using second = await createTestDatabase({ migrated: false });
  expect(first.url).not.toBe(second.url);
  expect(new URL(first.url).port).toBe(new URL(inject("postgresAdminUrl")).port);
});

test("what is left open is stopped and named", async () => {
  const redis = await startTestRedis();
  expect(await stopOpenHandles()).toEqual([`Redis on port ${redis.port}`]);
  expect(await pingRedis(redis.port, "any", 1000)).toMatchObject({ ready: false });
});
