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
}

/** A real Redis of this test's own, set up as the product wants it, on a random port of 127.0.0.1. */
export interface TestRedis extends Restartable {
  readonly url: string;
  readonly port: number;
}

export async function startTestRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const dataDir = await mkdtemp(join(tmpdir(), "reelgate-test-redis-"));
  const password = randomBytes(12).toString("base64url");
  const start = (port?: number): Promise<RedisServer> =>
    startRedisServer({
      dataDir,
      password,
      env: process.env,
      ...(options.settings === undefined ? {} : { settings: options.settings }),
      ...(port === undefined ? {} : { port }),
    });
  const first = await start();
  const { port, url } = first;
  const server = restartable({
    name: `Redis on port ${port}`,
    first,
    startAgain: () => start(port),
    removeData: () => rm(dataDir, { recursive: true, force: true }),
  });
  return Object.assign(server, { url, port });
}
