import { FILE_FORMATS } from "@reelgate/shared/contract/media";
import type { FileFormat } from "@reelgate/shared/contract/media";
import { isIP } from "node:net";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { SCENARIOS } from "./scenario.ts";
import type { ScenarioName } from "./scenario.ts";
import { PROVIDER_RETRIES, PROVIDER_RETRY_INTERVAL_MS, PROVIDER_TIMEOUT_MS } from "./send.ts";
import type { RunFlags } from "./simulate.ts";

/** What the arguments ask for. `over`: commander has already printed the help, or what is wrong. */
export type CommandLine = { kind: "run"; flags: RunFlags } | { kind: "over"; exitCode: 0 | 2 };

/** Where commander prints: help to `out`, what is wrong with the arguments to `err`. */
export interface CommandLineOutput {
  out: (text: string) => void;
  err: (text: string) => void;
}

const DEFAULT_CONCURRENCY = 16;
/** A burst opens this many connections unless told otherwise; more would only measure this machine. */
const BURST_CONCURRENCY = 512;
const DEFAULT_RATE_PER_S = 50;

function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/u.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

function decimal(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/u.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** Seeds and run ids become parts of ids and of URL paths. */
function name(text: string): string {
  if (!/^[\w.-]{1,40}$/u.test(text) || /^\.+$/u.test(text)) {
    throw new InvalidArgumentError(
      "It must be 1 to 40 letters, digits, dots, dashes, underscores.",
    );
  }
  return text;
}

/** An address and no name: a receiver fetches from private addresses only those that its list names as such. */
function address(text: string): string {
  if (isIP(text) === 0) {
    throw new InvalidArgumentError("It must be an IP address, such as 127.0.0.1.");
  }
  return text;
}

const scenarioHelp = Object.entries(SCENARIOS)
  .map(([scenario, what]) => `  ${scenario.padEnd(12)} ${what}`)
  .join("\n");

const HELP_AFTER = `
Scenarios:
${scenarioHelp}

Where to:
  With \`npm start\` running on this machine, nothing need be given: addresses, key and password are read from
  <DATA_DIR>/run.json. The environment's CALLBACK_KEYS (its first key), DASHBOARD_USER and DASHBOARD_PASSWORD go before
  that, flags before both.

Files:
  With --with-origin the recordings' files are real, served on 127.0.0.1, and --verify checks state, size and findings.
  A receiver on another machine needs --origin-host with an address of this one that it reaches, and the same
  address with the port in its MEDIA_ALLOWED_HOSTS.
  Without --with-origin the URLs name hosts of the provider at which there is nothing: the receiver will try each
  for minutes and give up, and nothing is asserted about files.

Refusals:
  The provider repeats whatever is not answered with exactly 200. Callbacks that a scenario plans to be refused
  (400, 401, 413) are not repeated once they are refused: every repetition would be refused as well.

Exit codes:
  0  everything was answered as planned and, with --verify, ended as expected
  1  a callback was not delivered, or something ended otherwise
  2  the command cannot be run as given

Examples:
  npm run simulate -- --count 200 --scenario mixed --with-origin --verify
  npm run simulate -- --count 5000 --rate 0 --scenario burst --verify --verify-timeout 300
  npm run simulate -- --scenario tamper --seed 7 --json
  npm run simulate -- --url https://hooks.example.com/callbacks/css --key abc123 --count 10
  npm run simulate -- --count 20 --format hls --with-origin --keep-origin
`;

function seconds(flags: string, description: string, defaultMs: number): Option {
  return new Option(flags, description).argParser(decimal(0, 86_400)).default(defaultMs / 1000);
}

interface ParsedOptions {
  url?: string;
  key?: string;
  api?: string;
  user?: string;
  password?: string;
  count: number;
  rate?: number;
  concurrency?: number;
  scenario: ScenarioName;
  seed?: string;
  runId?: string;
  format: FileFormat | "all";
  withOrigin: boolean;
  originHost?: string;
  originPort?: number;
  keepOrigin: boolean;
  verify: boolean;
  verifyTimeout: number;
  retryInterval: number;
  retries: number;
  timeout: number;
  resign: boolean;
  json: boolean;
}

function command(output: CommandLineOutput): Command {
  return new Command("simulate")
    .description(
      "Sends signed recording callbacks as the provider does, and checks what becomes of them.",
    )
    .usage("[options]   (npm run simulate -- [options])")
    .option("--url <url>", "the receiver's callback route")
    .option("--key <key>", "the callback key to sign with")
    .addOption(
      new Option("--count <n>", "how many deliveries").argParser(whole(1, 1_000_000)).default(100),
    )
    .addOption(
      new Option(
        "--rate <n>",
        `deliveries per second, 0 for as fast as possible (default: ${DEFAULT_RATE_PER_S}, burst: 0)`,
      ).argParser(decimal(0, 100_000)),
    )
    .addOption(
      new Option(
        "--concurrency <n>",
        `requests in flight at once (default: ${DEFAULT_CONCURRENCY}, burst: up to ${BURST_CONCURRENCY})`,
      ).argParser(whole(1, 4096)),
    )
    .addOption(
      new Option("--scenario <name>", "what to send, see below")
        .choices(Object.keys(SCENARIOS))
        .default("normal"),
    )
    .addOption(
      new Option("--format <format>", "format of the recordings")
        .choices([...FILE_FORMATS, "all"])
        .default("all"),
    )
    .addOption(
      new Option(
        "--seed <seed>",
        "the same seed makes the same choices (default: random)",
      ).argParser(name),
    )
    .addOption(
      new Option(
        "--run-id <id>",
        "part of every id; fixed together with the seed, the very same recordings are sent again (default: random)",
      ).argParser(name),
    )
    .option("--with-origin", "serve the recordings' files", false)
    .addOption(
      new Option(
        "--origin-host <address>",
        "the IP address at which to serve them, and which the recordings' URLs name (default: 127.0.0.1)",
      ).argParser(address),
    )
    .addOption(
      new Option(
        "--origin-port <port>",
        "the port at which to serve them (default: the one that the running `npm start` allows, else 8090)",
      ).argParser(whole(1, 65_535)),
    )
    .option("--keep-origin", "leave the origin running until Ctrl-C; implies --with-origin", false)
    .option("--verify", "ask the dashboard's API what became of every callback", false)
    .option("--api <url>", "the dashboard's address")
    .option("--user <user>", "the dashboard's user (default: admin)")
    .option("--password <password>", "the dashboard's password")
    .addOption(
      seconds("--verify-timeout <s>", "how long the catalogue may take to settle", 120_000),
    )
    .addOption(
      new Option("--retries <n>", "attempts after the first, as the provider makes them")
        .argParser(whole(0, 1000))
        .default(PROVIDER_RETRIES),
    )
    .addOption(seconds("--retry-interval <s>", "pause before a retry", PROVIDER_RETRY_INTERVAL_MS))
    .addOption(seconds("--timeout <s>", "how long an answer may take", PROVIDER_TIMEOUT_MS))
    .option("--resign", "sign every retry anew; it is not known whether the provider does", false)
    .option("--json", "print the summary and the verification as one JSON text", false)
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
  const isBurst = options.scenario === "burst";
  return {
    kind: "run",
    flags: {
      url: options.url,
      key: options.key,
      api: options.api,
      user: options.user,
      password: options.password,
      originHost: options.originHost,
      originPort: options.originPort,
      verify: options.verify,
      count: options.count,
      ratePerS: options.rate ?? (isBurst ? 0 : DEFAULT_RATE_PER_S),
      concurrency:
        options.concurrency ??
        (isBurst ? Math.min(options.count, BURST_CONCURRENCY) : DEFAULT_CONCURRENCY),
      scenario: options.scenario,
      format: options.format,
      seed: options.seed,
      runId: options.runId,
      withOrigin: options.withOrigin || options.keepOrigin,
      keepOrigin: options.keepOrigin,
      verifyTimeoutMs: options.verifyTimeout * 1000,
      retryIntervalMs: options.retryInterval * 1000,
      retries: options.retries,
      timeoutMs: Math.max(1, options.timeout * 1000),
      resign: options.resign,
      json: options.json,
    },
  };
}
