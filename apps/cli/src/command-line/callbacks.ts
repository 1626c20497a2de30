import { Option } from "commander";
import type { Command } from "commander";
import type { CallbackSearch } from "@reelgate/catalogue/callback-search";
import { OUTCOMES } from "@reelgate/shared/contract/recording";
import type { Outcome } from "@reelgate/shared/contract/recording";
import { AppError } from "@reelgate/shared/errors";
import { callbacksList } from "../commands/callbacks-list.ts";
import { callbacksReplay } from "../commands/callbacks-replay.ts";
import { callbacksShow } from "../commands/callbacks-show.ts";
import { DEFAULT_LIMIT } from "./recordings.ts";
import type { Choose } from "./run-command.ts";
import { lookup, time, whole } from "./values.ts";

interface SearchOptions {
  outcome?: Outcome;
  eventType?: string;
  since?: string;
  until?: string;
}

export function defineCallbacks(parent: Command, choose: Choose): void {
  const group = parent
    .command("callbacks")
    .description("lists, shows and replays settled callbacks");
  withSearch(group.command("list"))
    .description("lists settled callbacks, the latest first")
    .option("--limit <n>", "how many are shown", whole(1, 1_000_000), DEFAULT_LIMIT)
    .option("--all", "show all that pass the filter", false)
    .option("--json", "print one JSON object a line", false)
    .action((options: SearchOptions & { limit: number; all: boolean; json: boolean }) => {
      const search = searchOf(options);
      const limit = options.all ? null : options.limit;
      choose((ports, io) => callbacksList({ search, limit, json: options.json }, ports, io));
    });
  group
    .command("show")
    .description("shows one callback with its body, secrets redacted")
    .argument("<id>", "of the callback: cb- and the sha256 of its body")
    .addOption(new Option("--json", "print it as JSON").default(false).conflicts("raw"))
    .option("--raw", "print nothing but the body as it came, with its secrets", false)
    .action((id: string, { json, raw }: { json: boolean; raw: boolean }) => {
      choose((ports, io) => callbacksShow({ id, json, raw }, ports, io));
    });
  withSearch(group.command("replay"))
    .description(
      "has settled callbacks judged again, after an upgrade that understands more; those that name a recording keep their outcome",
    )
    .argument("[id...]", "of the callbacks; without any, a filter says which")
    .option("--dry-run", "only say how many there are, and how this version judges them", false)
    .option("--yes", "do not ask", false)
    .option("--json", "print the result as JSON", false)
    .action(
      (
        ids: string[],
        options: SearchOptions & { dryRun: boolean; yes: boolean; json: boolean },
      ) => {
        const search = searchOf(options);
        const isFiltered = Object.values(search).some((value) => value !== undefined);
        if ((ids.length === 0) !== isFiltered) {
          throw new AppError("usage", {
            message:
              "Say which callbacks: either their ids, or a filter such as --outcome invalid.",
          });
        }
        const { dryRun, yes, json } = options;
        const flags = { ids, search: isFiltered ? search : null, dryRun, yes, json };
        choose((ports, io) => callbacksReplay(flags, ports, io));
      },
    );
}

function withSearch(command: Command): Command {
  return command
    .addOption(new Option("--outcome <outcome>", "how they ended").choices(OUTCOMES))
    .option("--event-type <type>", "event_type of the body", lookup)
    .option("--since <time>", "settled at this time or later", time)
    .option("--until <time>", "settled before this time", time);
}

function searchOf({ outcome, eventType, since, until }: SearchOptions): CallbackSearch {
  return { outcome, eventType, since, until };
}
