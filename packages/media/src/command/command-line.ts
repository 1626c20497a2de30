import { FILE_FORMATS, type FileFormat } from "@reelgate/shared/contract/media";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { Declared } from "../report/compare-declared.ts";

/** What both commands take. */
export interface CommonFlags {
  /** A URL, or for `index` a path. */
  target: string;
  declared: Declared;
  /** Hosts besides the target's own; entries of `parseAllowedHosts`. */
  allow: readonly string[];
  json: boolean;
}

export interface IndexFlags extends CommonFlags {
  segments: "all" | "sample";
  /** Every byte of a single file, rather than its head and tail. */
  isThorough: boolean;
  timeoutMs: number;
}

export interface DownloadFlags extends CommonFlags {
  /** A folder, or a storage URL. */
  to: string;
  /** Name of the copy without its extension; null: made of the URL. */
  name: string | null;
  hostConcurrency: number;
  maxMbps: number | null;
}

/** What the arguments ask for. `over`: the help, or what is wrong, has been printed already. */
export type CommandLine =
  | { kind: "index"; flags: IndexFlags }
  | { kind: "download"; flags: DownloadFlags }
  | { kind: "over"; exitCode: 0 | 2 };

/** Where help goes, and where complaints about the arguments go. */
export interface CommandLineOutput {
  out: (text: string) => void;
  err: (text: string) => void;
}

const HELP_AFTER = `
What is contacted:
  The host of the URL as you typed it, also when that is a private address, and what --allow adds. A name leads to
  public addresses only; the private ones behind it are allowed as such: --allow 127.0.0.1, --allow 10.0.0.0/8. The
  same binds redirects and the files of a playlist. A local playlist is looked at inside its own folder.

Exit codes:
  0  the recording is there and whole
  1  it is broken, or cannot be read or stored; a recording that merely differs from what was declared ends with 0
  2  the command cannot be run as given

What each finding and each code in parentheses means: docs/media.md, docs/errors.md.

Examples:
  npm run media -- index https://example.com/recording.mp4
  npm run media --silent -- index https://example.com/playlist.m3u8 --segments all --json
  npm run media -- index ./recording.flv --thorough --size 5012345 --duration 60
  npm run media -- download https://example.com/playlist.m3u8 --to ./recordings
  npm run media -- download https://example.com/a.mp4 --to "s3://bucket-1250000000/live?region=ap-guangzhou&endpoint=https://cos.ap-guangzhou.myqcloud.com"
`;

interface CommonOptions {
  format?: FileFormat;
  size?: number;
  duration?: number;
  allow: string[];
  json: boolean;
}

/** Parses the arguments that follow the program's name. */
export function parseCommandLine(
  args: readonly string[],
  { out, err }: CommandLineOutput,
): CommandLine {
  let result: CommandLine = { kind: "over", exitCode: 0 };
  const program = new Command("npm run media --")
    .description(
      "Tells whether a recording is really there, whole, and what is in it; and keeps a verified copy.",
    )
    .addHelpText("after", HELP_AFTER)
    .configureOutput({ writeOut: out, writeErr: err })
    .exitOverride();
  withCommonOptions(program.command("index"))
    .description("reads and verifies a recording where it is: a URL, or a file of this machine")
    .addOption(
      new Option(
        "--segments <which>",
        "HLS: check every segment, or ten of them (default: sample; all with --thorough)",
      ).choices(["all", "sample"]),
    )
    .option(
      "--thorough",
      "read every byte, not only both ends of files and the beginnings of segments",
      false,
    )
    .option("--timeout <seconds>", "for the whole look", decimal(1, 86_400), 300)
    .action(
      (
        target: string,
        options: CommonOptions & {
          segments?: "all" | "sample";
          thorough: boolean;
          timeout: number;
        },
      ) => {
        result = {
          kind: "index",
          flags: {
            ...commonFlags(target, options),
            segments: options.segments ?? (options.thorough ? "all" : "sample"),
            isThorough: options.thorough,
            timeoutMs: options.timeout * 1000,
          },
        };
      },
    );
  withCommonOptions(program.command("download"))
    .description("keeps a verified copy; a run that was cut off goes on where it stopped")
    .requiredOption("--to <folder or URL>", "a folder, or s3://bucket/prefix?region=…&endpoint=…")
    .option(
      "--name <name>",
      "of the copy, without extension; may have slashes (default: made of the URL)",
    )
    .option("--concurrency <n>", "requests to one host at a time", whole(1, 64), 8)
    .option("--max-mbps <n>", "bandwidth in megabits per second", decimal(0.1, 1_000_000))
    .action(
      (
        target: string,
        options: CommonOptions & {
          to: string;
          name?: string;
          concurrency: number;
          maxMbps?: number;
        },
      ) => {
        result = {
          kind: "download",
          flags: {
            ...commonFlags(target, options),
            to: options.to,
            name: options.name ?? null,
            hostConcurrency: options.concurrency,
            maxMbps: options.maxMbps ?? null,
          },
        };
      },
    );
  try {
    program.parse([...args], { from: "user" });
    return result;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander ends a bare call with its help and code 1: nothing was asked for, so it is wrong usage.
    return { kind: "over", exitCode: error.exitCode === 0 ? 0 : 2 };
  }
}

function withCommonOptions(command: Command): Command {
  return command
    .argument("<url>", "http:// or https://, or a path")
    .addOption(new Option("--format <format>", "declared format").choices(FILE_FORMATS))
    .option("--size <bytes>", "declared size", whole(0, Number.MAX_SAFE_INTEGER))
    .option("--duration <seconds>", "declared duration", decimal(0, 8_640_000))
    .option("--allow <host>", "another host, address or CIDR block (may be repeated)", collect, [])
    .option("--json", "print the report as JSON", false);
}

function commonFlags(target: string, options: CommonOptions): CommonFlags {
  return { target, declared: declaredOf(options), allow: options.allow, json: options.json };
}

/** What is not declared is not compared. */
function declaredOf({ format, size, duration }: CommonOptions): Declared {
  return { format: format ?? null, sizeBytes: size ?? null, durationS: duration ?? null };
}

function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}

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
