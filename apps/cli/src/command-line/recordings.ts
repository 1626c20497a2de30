import { Option } from "commander";
import type { Command } from "commander";
import { FILE_FORMATS, FINDING_KINDS } from "@reelgate/shared/contract/media";
import type { FileFormat, FindingKind } from "@reelgate/shared/contract/media";
import { RECORDING_STATES } from "@reelgate/shared/contract/recording";
import type { RecordingState } from "@reelgate/shared/contract/recording";
import { AppError } from "@reelgate/shared/errors";
import type { RecordingFilter } from "@reelgate/catalogue/recordings";
import { recordingsList } from "../commands/recordings-list.ts";
import { recordingsRetry } from "../commands/recordings-retry.ts";
import { recordingsShow } from "../commands/recordings-show.ts";
import type { Choose } from "./run-command.ts";
import { lookup, time, whole } from "./values.ts";

interface FilterOptions {
  stream?: string;
  app?: string;
  appname?: string;
  state?: RecordingState;
  format?: FileFormat;
  finding?: FindingKind | "any";
  task?: string;
  from?: string;
  to?: string;
  q?: string;
}

/** Recordings that one list shows unless told otherwise. */
export const DEFAULT_LIMIT = 50;

export function defineRecordings(parent: Command, choose: Choose): void {
  const group = parent.command("recordings").description("lists, shows and retries recordings");
  withFilter(group.command("list"))
    .description("lists recordings, the latest start first")
    .option("--limit <n>", "how many are shown", whole(1, 1_000_000), DEFAULT_LIMIT)
    .option("--all", "show all that pass the filter", false)
    .option("--json", "print one JSON object a line", false)
    .action((options: FilterOptions & { limit: number; all: boolean; json: boolean }) => {
      const filter = filterOf(options);
      const limit = options.all ? null : options.limit;
      choose((ports, io) => recordingsList({ filter, limit, json: options.json }, ports, io));
    });
  group
    .command("show")
    .description("shows one recording: declared and real, findings, looks, callbacks")
    .argument("<id>", "of the recording")
    .option("--json", "print it as JSON", false)
    .action((id: string, { json }: { json: boolean }) => {
      choose((ports, io) => recordingsShow({ id, json }, ports, io));
    });
  withFilter(group.command("retry"))
    .description(
      "has the files of recordings looked at again; those that are pending are left alone",
    )
    .argument("[id...]", "of the recordings; without any, a filter says which")
    .option("--dry-run", "only say how many there are", false)
    .option("--yes", "do not ask", false)
    .option("--json", "print the result as JSON", false)
    .action(
      (
        ids: string[],
        options: FilterOptions & { dryRun: boolean; yes: boolean; json: boolean },
      ) => {
        const filter = filterOf(options);
        const isFiltered = Object.values(filter).some((value) => value !== undefined);
        if ((ids.length === 0) !== isFiltered) {
          throw new AppError("usage", {
            message: "Say which recordings: either their ids, or a filter such as --state failed.",
          });
        }
        if (filter.state === "pending") {
          throw new AppError("usage", {
            message: "A pending recording cannot be retried: a look at its file is on its way.",
          });
        }
        const { dryRun, yes, json } = options;
        const flags = { ids, filter: isFiltered ? filter : null, dryRun, yes, json };
        choose((ports, io) => recordingsRetry(flags, ports, io));
      },
    );
}

function withFilter(command: Command): Command {
  return command
    .option("--stream <id>", "stream id", lookup)
    .option("--app <domain>", "push domain", lookup)
    .option("--appname <path>", "push path", lookup)
    .addOption(new Option("--state <state>", "where they stand").choices(RECORDING_STATES))
    .addOption(new Option("--format <format>", "declared format").choices(FILE_FORMATS))
    .addOption(
      new Option("--finding <kind>", "with a finding of this kind, or any").choices([
        ...FINDING_KINDS,
        "any",
      ]),
    )
    .option("--task <id>", "task id", lookup)
    .option("--from <time>", "started at this time or later", time)
    .option("--to <time>", "started before this time", time)
    .option(
      "--q <id>",
      "any identifier, exactly: id, stream, file, record file or task id",
      lookup,
    );
}

function filterOf(options: FilterOptions): RecordingFilter {
  return {
    streamId: options.stream,
    app: options.app,
    appname: options.appname,
    state: options.state,
    format: options.format,
    finding: options.finding,
    taskId: options.task,
    from: options.from,
    to: options.to,
    q: options.q,
  };
}
