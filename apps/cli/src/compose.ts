import { readFileSync } from "node:fs";
import { closeDatabase, openDatabase } from "@reelgate/catalogue/database";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { assertSchemaCurrent, migrateToLatest } from "@reelgate/catalogue/migrate";
import { createProducers } from "@reelgate/shared/adapters/bullmq-producer";
import { QUEUES } from "@reelgate/shared/contract/jobs";
import type { CallbackJob, MediaJob } from "@reelgate/shared/contract/jobs";
import { withinMs } from "@reelgate/shared/lifecycle";
import { readLocalRun } from "@reelgate/shared/local-run";
import { readQueueLayout } from "@reelgate/shared/queue-layout";
import { PRODUCER_TIMEOUT_MS } from "@reelgate/shared/redis";
import type { RedisClient } from "@reelgate/shared/redis";
import { defaultShardCount } from "@reelgate/shared/redis-env";
import { askApp } from "./adapters/app-config-check.ts";
import { bullmqQueues } from "./adapters/bullmq-queues.ts";
import type { ProductQueues } from "./adapters/bullmq-queues.ts";
import {
  postgresAuditCatalogue,
  postgresCatalogue,
  postgresPruneCatalogue,
} from "./adapters/postgres-catalogue.ts";
import { connectRedis, reached } from "./adapters/redis-connection.ts";
import { redisJobs } from "./adapters/redis-jobs.ts";
import type { CommandIo, ExitCode } from "./command-io.ts";
import { parseCommandLine } from "./command-line/program.ts";
import { checkCliConfig, isAlive, readCliConfig, thisNode } from "./config.ts";
import type { CliConfig } from "./config.ts";
import type { Ports } from "./ports.ts";
import { serversOf } from "./servers.ts";
import type { Servers } from "./servers.ts";

/** A command does a handful of things at a time. */
const POOL_SIZE = 8;

/** Runs the command that the arguments name. What it does not ask for is neither configured nor connected. */
export async function compose(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  let printed = "";
  const commandLine = parseCommandLine(args, versionOf(), {
    out: (text) => {
      printed += text;
    },
    err: (text) => io.note(text),
  });
  await io.print(printed);
  if (commandLine.kind === "over") return commandLine.exitCode;
  await using opened = new AsyncDisposableStack();
  return await commandLine.run(portsOf(opened, io), io);
}

function versionOf(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

/** @param read the configuration, which is read when a command first needs it. */
export function portsOf(
  opened: AsyncDisposableStack,
  io: Pick<CommandIo, "signal">,
  read: () => CliConfig = readCliConfig,
): Ports {
  const settings = once(async () => {
    const config = read();
    return { config, servers: serversOf(config, await readLocalRun(config.dataDir, isAlive)) };
  });
  const servers = async (): Promise<Servers> => (await settings()).servers;
  const database = once(async (): Promise<CatalogueDatabase> => {
    const { config, servers } = await settings();
    const db = openDatabase({
      url: servers.databaseUrl(),
      poolSize: POOL_SIZE,
      statementTimeoutMs: config.statementTimeoutMs,
      applicationName: "reelgate-cli",
      // The statement in hand reports it.
      onError: () => {},
    });
    opened.adopt(db, closeDatabase);
    await assertSchemaCurrent(db);
    return db;
  });
  const redis = once(async (): Promise<{ redis: RedisClient; queues: ProductQueues }> => {
    const { config, servers: named } = await settings();
    const target = named.redis();
    const connection = await connectRedis(target, io.signal);
    opened.adopt(connection, (client) => client.disconnect());
    // The command in hand reports it.
    const producer = { connection, onError: () => {} };
    const shardCount =
      (await reached(readQueueLayout(connection))) ??
      config.shardCount ??
      defaultShardCount(target);
    const queues = {
      callbacks: createProducers<CallbackJob>(shardCount, { queue: QUEUES.callbacks, ...producer }),
      media: createProducers<MediaJob>(shardCount, { queue: QUEUES.media, ...producer }),
    };
    for (const queue of [...queues.callbacks, ...queues.media]) {
      opened.defer(async () => {
        await withinMs(
          queue.close().catch(() => {}),
          PRODUCER_TIMEOUT_MS,
        );
      });
    }
    return { redis: connection, queues };
  });
  return {
    catalogue: async () => postgresCatalogue(await database()),
    auditCatalogue: async () => postgresAuditCatalogue(await database()),
    pruneCatalogue: async () => postgresPruneCatalogue(await database()),
    queues: async () => {
      const { redis: client, queues } = await redis();
      return bullmqQueues(client, queues);
    },
    jobs: async () => {
      const { redis: client, queues } = await redis();
      return redisJobs(client, queues);
    },
    migrate: async () => {
      const newer: string[] = [];
      const url = (await servers()).databaseUrl();
      const applied = await migrateToLatest(url, (names) => newer.push(...names));
      return { applied, newer };
    },
    checkConfig: async (app) => (app === "cli" ? checkCliConfig() : await askApp(app, thisNode())),
  };
}

/** Makes a thing when it is first asked for, and never again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
