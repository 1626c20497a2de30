import { randomInt } from "node:crypto";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { ChaosFlags } from "./chaos.ts";
import { FAULT_KINDS, FAULT_KIND_NAMES, TOPOLOGIES, kindsFor } from "./fault-kinds.ts";
import type { FaultKind, Topology } from "./fault-kinds.ts";

export interface OutputFlags {
  json: boolean;
  /** Whether a row is added to bench/results.md. */
  results: boolean;
}

/** What the arguments ask for. `over`: commander has already printed the help, or what is wrong. */
export type CommandLine =
  | { kind: "run"; flags: ChaosFlags & OutputFlags }
  | { kind: "over"; exitCode: 0 | 2 };

/** Where commander prints: help to `out`, what is wrong with the arguments to `err`. */
export interface CommandLineOutput {
  out: (text: string) => void;
  err: (text: string) => void;
}

const HELP_AFTER = `
Runs two ingresses with spools, two workers that make copies and a dashboard, as they are built, on a real Redis
(appendfsync always) and a real Postgres, under steady load from the simulator, and breaks them by a plan that the
seed, the length and the topology decide. Then all is healed, drained and audited.

Faults:
${FAULT_KIND_NAMES.map((kind) => `  ${kind.padEnd(19)} ${FAULT_KINDS[kind].what}`).join("\n")}

Exit codes:
  0  every acknowledged callback has one outcome, every recording one row, every stored file is whole
  1  something is not as it must be: it is named, and data and logs are kept
  2  the command cannot be run as given

Examples:
  npm run chaos -- --seed 7 --minutes 5
  npm run chaos -- --minutes 2 --faults redis-kill,worker-kill --keep
  npm run chaos -- --seed 7 --minutes 30 --results
`;

function decimal(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/u.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** Part of ids and URLs. */
function seed(text: string): string {
  if (!/^[\w-]{1,32}$/u.test(text)) {
    throw new InvalidArgumentError("It must be 1 to 32 letters, digits, dashes, underscores.");
  }
  return text;
}

const isKind = (name: string): name is FaultKind => Object.hasOwn(FAULT_KINDS, name);

function faultKinds(text: string): FaultKind[] {
  const names = text.split(",").filter((name) => name !== "");
  const unknown = names.find((name) => !isKind(name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`There is no fault "${unknown}". --help lists them.`);
  }
  return names.filter(isKind);
}

interface ParsedOptions {
  seed?: string;
  minutes: number;
  topology: Topology;
  rate: number;
  faults?: FaultKind[];
  dataDir?: string;
  keep: boolean;
  json: boolean;
  results: boolean;
}

function command(output: CommandLineOutput): Command {
  return new Command("chaos")
    .description("Breaks the running product at random, and proves that nothing was lost.")
    .usage("[options]   (npm run chaos -- [options])")
    .addOption(
      new Option("--seed <seed>", "the same seed makes the same plan (default: random)").argParser(
        seed,
      ),
    )
    .addOption(
      new Option("--minutes <n>", "how long callbacks and faults come")
        .argParser(decimal(0.1, 1440))
        .default(1),
    )
    .addOption(
      new Option("--topology <name>", "how Redis is set up").choices(TOPOLOGIES).default("single"),
    )
    .addOption(
      new Option("--rate <n>", "callbacks per second").argParser(decimal(0.1, 10_000)).default(20),
    )
    .addOption(
      new Option("--faults <list>", "only these kinds of faults, comma-separated").argParser(
        faultKinds,
      ),
    )
    .option("--data-dir <folder>", "where the run makes its folder (default: the temporary one)")
    .option("--keep", "keep data and logs also when nothing is wrong", false)
    .option("--results", "add a row to bench/results.md", false)
    .option("--json", "print the report as one JSON text", false)
    .addHelpText("after", HELP_AFTER)
    .configureOutput({ writeOut: output.out, writeErr: output.err })
    .showHelpAfterError("(--help shows all options)")
    .allowExcessArguments(false)
    .exitOverride();
}

/** Reads the arguments that follow the program's name. */
export function parseCommandLine(args: readonly string[], output: CommandLineOutput): CommandLine {
  let options: ParsedOptions;
  try {
    options = command(output).parse(args, { from: "user" }).opts<ParsedOptions>();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { kind: "over", exitCode: error.exitCode === 0 ? 0 : 2 };
  }
  const { minutes, topology } = options;
  const wanted = options.faults ?? FAULT_KIND_NAMES;
  const kinds = kindsFor(topology, minutes, wanted);
  const missing = wanted.find((kind) => !kinds.includes(kind));
  if (options.faults !== undefined && missing !== undefined) {
    output.err(`error: ${missing} has no place in ${minutes} min of topology ${topology}.\n`);
    return { kind: "over", exitCode: 2 };
  }
  return {
    kind: "run",
    flags: {
      seed: options.seed ?? String(randomInt(1_000_000)),
      minutes,
      topology,
      ratePerS: options.rate,
      kinds,
      dataDir: options.dataDir ?? null,
      keep: options.keep,
      json: options.json,
      results: options.results,
    },
  };
}
