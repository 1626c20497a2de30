import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedisServer } from "@reelgate/launcher/servers/redis-server";
import type { RedisServer } from "@reelgate/launcher/servers/redis-server";
import { restartable } from "./restartable.ts";
import type { Restartable } from "./restartable.ts";

export interface TestRedisOptions {
  /** Beyond the durable settings of the product, by the names of redis.conf. */
  settings?: Readonly<Record<string, string>>;
  /** A made-up one otherwise. */
  password?: string;
  /** Further settings that are asked for at each later start, for what has changed since the first. */
  settingsAtRestart?: () => Promise<Readonly<Record<string, string>>>;
}

/** A real Redis of this test's own, set up as the product wants it, on a random port of 127.0.0.1. */
export interface TestRedis extends Restartable {
  readonly url: string;
  readonly port: number;
}

export async function startTestRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const dataDir = await mkdtemp(join(tmpdir(), "reelgate-test-redis-"));
  const password = options.password ?? testPassword();
  const start = (
    port?: number,
    settings?: Readonly<Record<string, string>>,
  ): Promise<RedisServer> =>
    startRedisServer({
      dataDir,
      password,
      env: process.env,
      settings: { ...options.settings, ...settings },
      ...(port === undefined ? {} : { port }),
    });
  const first = await start();
  const { port, url } = first;
  const server = restartable({
    name: `Redis on port ${port}`,
    first,
    startAgain: async () => start(port, await options.settingsAtRestart?.()),
    removeData: () => rm(dataDir, { recursive: true, force: true }),
  });
  return Object.assign(server, { url, port });
}

/** Letters, digits, `-` and `_`. */
export function testPassword(): string {
  return randomBytes(12).toString("base64url");
}
