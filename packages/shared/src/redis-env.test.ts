import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readEnv } from "./env.ts";
import { REDIS_ENV, redisConfig } from "./redis-env.ts";

const read = (env: Record<string, string>): ReturnType<typeof redisConfig> =>
  redisConfig(readEnv(REDIS_ENV, env));

test("a queue is split by default where it has to be", () => {
  expect(read({ REDIS_URL: "redis://host" }).shardCount).toBe(1);
  expect(read({ REDIS_URL: "redis+sentinel://host/group" }).shardCount).toBe(1);
  expect(read({ REDIS_URL: "redis+cluster://host" }).shardCount).toBe(12);
  expect(read({ REDIS_URL: "redis://host", QUEUE_SHARDS: "6" }).shardCount).toBe(6);
  expect(() => read({ REDIS_URL: "redis+cluster://host", QUEUE_SHARDS: "1" })).toThrow(
    "QUEUE_SHARDS is 1, and a cluster cannot hold a queue that is not split. Example: QUEUE_SHARDS=12",
  );
  expect(() => read({ REDIS_URL: "redis://host", QUEUE_SHARDS: "65" })).toThrow("QUEUE_SHARDS");
});

test("certificates belong to a URL with TLS", () => {
  const folder = mkdtempSync(join(tmpdir(), "reelgate-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "ca.pem");
  writeFileSync(file, "-----BEGIN CERTIFICATE-----\nmade up\n-----END CERTIFICATE-----\n");
  const given = { REDIS_TLS_CA_FILE: file };
  expect(read({ ...given, REDIS_URL: "rediss://host" }).target.tls?.ca).toContain("made up");
  expect(() => read({ ...given, REDIS_URL: "redis://host" })).toThrow("begin it with rediss");
  writeFileSync(file, "-----BEGIN PRIVATE KEY-----");
  expect(() => read({ ...given, REDIS_URL: "rediss://host" })).toThrow("holds no PEM certificate");
  const missing = { REDIS_TLS_CA_FILE: join(folder, "none.pem"), REDIS_URL: "rediss://host" };
  expect(() => read(missing)).toThrow("cannot be read (ENOENT)");
});
