import { Command, CommanderError } from "commander";
import type { Option } from "commander";
import { defineCallbacks } from "./callbacks.ts";
import {
  defineAudit,
  defineCheckConfig,
  defineMigrate,
  definePrune,
  defineQueues,
  defineReshard,
} from "./operations.ts";
import { defineRecordings } from "./recordings.ts";
import type { Choose, Define, RunCommand } from "./run-command.ts";

/** What the arguments ask for. `over`: the help, or what is wrong, has been handed to the output already. */
export type CommandLine = { kind: "run"; run: RunCommand } | { kind: "over"; exitCode: 0 | 2 };

/** Where help goes, and where complaints about the arguments go. */
export interface CommandLineOutput {
  out: (text: string) => void;
  err: (text: string) => void;
}

const GROUPS: readonly Define[] = [
  defineRecordings,
  defineCallbacks,
  defineQueues,
  defineAudit,
  definePrune,
  defineReshard,
  defineMigrate,
  defineCheckConfig,
];

const HELP_AFTER = `
Which system:
  The one of REDIS_URL and DATABASE_URL; else the \`npm start\` that runs on DATA_DIR (.data).

Times:
  2026-01-31T12:00:00Z, 2026-01-31, or how long ago: 90m, 12h, 7d, 4w.

Exit codes:
  0  done, and nothing is wrong
  1  something is wrong, or could not be done
  2  the command cannot be run as given

Examples:
  reelgate recordings list --state failed --from 7d
  reelgate recordings retry --state failed --app push.example.com --dry-run
  reelgate callbacks list --outcome conflict --since 24h --json | jq .conflicts
  reelgate callbacks replay --outcome unsupported --event-type 332
  reelgate audit --acknowledged ingress.log
  reelgate prune --older-than 90d --dry-run

In the checkout it is called: npm run reelgate --silent -- <command>
`;

/** The whole command line, as data: what docs/cli.md is made of. */
export function createProgram(version: string, choose: Choose, output: CommandLineOutput): Command {
  const program = new Command("reelgate")
    .description("Looks into a Reelgate system, mends and checks it.")
    .version(version, "-V, --version", "print the version")
    .addHelpText("after", HELP_AFTER)
    .configureOutput({ writeOut: output.out, writeErr: output.err })
    .configureHelp({ optionDescription })
    .showHelpAfterError("(--help shows what there is)")
    .exitOverride();
  for (const define of GROUPS) define(program, choose);
  settle(program);
  return program;
}

/** A switch that is off unless it is given need not say so. */
function optionDescription(option: Option): string {
  const { description, defaultValue, defaultValueDescription, argChoices } = option;
  const extra = [
    ...(argChoices === undefined ? [] : [argChoices.join(", ")]),
    ...(defaultValue === undefined || defaultValue === false
      ? []
      : [`default: ${defaultValueDescription ?? String(defaultValue)}`]),
  ];
  return extra.length === 0 ? description : `${description} (${extra.join("; ")})`;
}

/** Commander hands these down to commands that are made with them already set; here they are set last. */
function settle(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command).allowExcessArguments(false);
    settle(child);
  }
}

/**
 * Parses the arguments that follow the program's name.
 *
 * @throws AppError `usage` for arguments that contradict each other.
 */
export function parseCommandLine(
  args: readonly string[],
  version: string,
  output: CommandLineOutput,
): CommandLine {
  let run: RunCommand | null = null;
  const choose: Choose = (chosen) => {
    run = chosen;
  };
  const program = createProgram(version, choose, output);
  try {
    program.parse([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander ends a bare call with its help and code 1: nothing was asked for, so it is wrong usage.
    return { kind: "over", exitCode: error.exitCode === 0 ? 0 : 2 };
  }
  return run === null ? { kind: "over", exitCode: 0 } : { kind: "run", run };
}
