import { Argument, Option } from "commander";
import type { Command } from "commander";
import { MAX_QUEUE_SHARDS } from "@reelgate/shared/contract/queue-shards";
import { audit } from "../commands/audit/audit.ts";
import { checkConfig } from "../commands/check-config.ts";
import { migrate } from "../commands/migrate.ts";
import { prune } from "../commands/prune.ts";
import { queues } from "../commands/queues.ts";
import { reshard } from "../commands/reshard.ts";
import { CHECKED_APPS } from "../ports.ts";
import type { CheckedApp } from "../ports.ts";
import type { Choose } from "./run-command.ts";
import { duration, whole } from "./values.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const DEFAULT_STUCK_MS = 15 * MINUTE_MS;

export function defineQueues(parent: Command, choose: Choose): void {
  parent
    .command("queues")
    .description("shows what waits in the queues, since when, and how many workers there are")
    .option(
      "--watch [seconds]",
      "show it again and again (default: every 2 seconds)",
      whole(1, 3600),
    )
    .option("--json", "print one JSON object a look", false)
    .action(({ watch, json }: { watch?: number | true; json: boolean }) => {
      const watchMs = watch === undefined ? null : (watch === true ? 2 : watch) * 1000;
      choose((ports, io) => queues({ watchMs, json }, ports, io));
    });
}

export function defineReshard(parent: Command, choose: Choose): void {
  parent
    .command("reshard")
    .description(
      "splits the queues into another number of shards (QUEUE_SHARDS), once every callback is settled and ingress and worker are stopped",
    )
    .addArgument(
      new Argument("<shards>", `1 to ${MAX_QUEUE_SHARDS}`).argParser(whole(1, MAX_QUEUE_SHARDS)),
    )
    .option("--yes", "do not ask", false)
    .option("--json", "print the result as JSON", false)
    .action((shards: number, options: { yes: boolean; json: boolean }) =>
      choose((ports, io) => reshard({ shards, ...options }, ports, io)),
    );
}

export function defineAudit(parent: Command, choose: Choose): void {
  parent
    .command("audit")
    .description(
      "checks on the running system that every callback has one outcome and every recording one row; exits with 1 if anything is wrong",
    )
    .option(
      "--acknowledged <file>",
      "ids of callbacks that were acknowledged, one a line, or the ingress's log of level debug; - for standard input",
    )
    .option(
      "--deep",
      "compute the id of every callback from its body again: reads everything",
      false,
    )
    .addOption(
      new Option("--stuck-after <age>", "a callback that waits for its outcome this long is wrong")
        .argParser(duration(1000, "1s"))
        .default(DEFAULT_STUCK_MS, "15m"),
    )
    .option("--json", "print each violation, and then a summary, as one JSON object a line", false)
    .action(
      (options: { acknowledged?: string; deep: boolean; stuckAfter: number; json: boolean }) => {
        const flags = {
          acknowledged: options.acknowledged ?? null,
          isDeep: options.deep,
          stuckAfterMs: options.stuckAfter,
          json: options.json,
        };
        choose((ports, io) => audit(flags, ports, io));
      },
    );
}

export function definePrune(parent: Command, choose: Choose): void {
  parent
    .command("prune")
    .description(
      "removes old callbacks, looks and ended jobs; never a recording, nor what belongs to one that is pending",
    )
    .requiredOption("--older-than <age>", "such as 90d; 1d at least", duration(DAY_MS, "1d"))
    .option("--batch-size <n>", "rows that one transaction removes", whole(1, 50_000), 1000)
    .option("--dry-run", "only say how much there is", false)
    .option("--yes", "do not ask", false)
    .option("--json", "print the result as JSON", false)
    .action(
      (options: {
        olderThan: number;
        batchSize: number;
        dryRun: boolean;
        yes: boolean;
        json: boolean;
      }) => {
        const { olderThan: olderThanMs, ...rest } = options;
        choose((ports, io) => prune({ olderThanMs, ...rest }, ports, io));
      },
    );
}

export function defineMigrate(parent: Command, choose: Choose): void {
  parent
    .command("migrate")
    .description("brings the catalogue's schema up to this version; does nothing when it is")
    .option("--wait <seconds>", "how long to wait for Postgres", whole(0, 86_400), 60)
    .option("--json", "print what was applied as JSON", false)
    .action(({ wait, json }: { wait: number; json: boolean }) => {
      choose((ports, io) => migrate({ waitMs: wait * 1000, json }, ports, io));
    });
}

export function defineCheckConfig(parent: Command, choose: Choose): void {
  parent
    .command("check-config")
    .description(
      "has the apps read this environment as they would at their start; exits with 1 if one would not start",
    )
    .addArgument(new Argument("[app...]", "which (default: all of them)").choices(CHECKED_APPS))
    .option("--json", "print one JSON object an app", false)
    .action((apps: CheckedApp[], { json }: { json: boolean }) => {
      const asked = apps.length === 0 ? CHECKED_APPS : apps;
      choose((ports, io) => checkConfig({ apps: asked, json }, ports, io));
    });
}
