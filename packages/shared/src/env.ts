import { z } from "zod";
import { AppError, errorMessage } from "./errors.ts";
import type { TracingConfig } from "./tracing/tracing.ts";

/**
 * Configuration comes from environment variables and nowhere else. Each app declares its variables once, as data: the
 * same declaration reads and checks them at start and makes `docs/configuration.md`.
 */
export interface EnvVariable<T> {
  /** Turns the text of the variable into its value, or says what is wrong with it. */
  parse: (text: string) => T;
  /** What it is for, in one sentence, with the unit. */
  description: string;
  /** A value that works, shown when the given one does not. */
  example: string;
  /** The text used when the variable is unset or empty; absent for a variable that must be given. */
  default?: string;
  /** The value never appears in a message. */
  secret?: boolean;
}

export type EnvDeclaration = Record<string, EnvVariable<unknown>>;

export type EnvValues<D extends EnvDeclaration> = {
  [K in keyof D]: D[K] extends EnvVariable<infer T> ? T : never;
};

/**
 * Reads every declared variable and reports all that is wrong at once.
 *
 * An empty variable counts as unset: compose files and shells make empty ones when they mean none.
 *
 * @throws AppError `config_invalid` with one line per variable: its name, the problem, an example.
 */
export function readEnv<const D extends EnvDeclaration>(
  declaration: D,
  env: Readonly<Record<string, string | undefined>>,
): EnvValues<D> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, variable] of Object.entries(declaration)) {
    const given = env[name];
    const text = given === undefined || given === "" ? variable.default : given;
    if (text === undefined) {
      problems.push(
        `${name} is not set: ${variable.description} Example: ${name}=${variable.example}`,
      );
      continue;
    }
    try {
      values[name] = variable.parse(text);
    } catch (error) {
      const shown = variable.secret === true ? "its value" : JSON.stringify(text);
      const reason = error instanceof Error ? error.message : String(error);
      problems.push(`${name}: ${shown} ${reason}. Example: ${name}=${variable.example}`);
    }
  }
  if (problems.length > 0) throw configInvalid(problems);
  return values as EnvValues<D>;
}

/** One error for any number of configuration problems, for rules that span several variables too. */
export function configInvalid(problems: readonly string[]): AppError {
  return new AppError("config_invalid", {
    message: `The configuration is not usable:\n${problems.map((line) => `  ${line}`).join("\n")}`,
  });
}

/** A whole decimal number within bounds. "1e3", "0x10", "12abc" and "" are refused. */
export function integerBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/u.test(text) || value < min || value > max) {
      throw new Error(`is not a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

export function boolean(text: string): boolean {
  if (text === "true" || text === "1") return true;
  if (text === "false" || text === "0") return false;
  throw new Error("is neither true nor false");
}

export function choice<const T extends string>(...allowed: readonly T[]): (text: string) => T {
  return (text) => {
    const found = allowed.find((value) => value === text);
    if (found === undefined) throw new Error(`is none of ${allowed.join(", ")}`);
    return found;
  };
}

/** Comma-separated, each item trimmed and parsed; empty items are refused, an empty text is the empty list. */
export function listOf<T>(parse: (text: string) => T): (text: string) => T[] {
  return (text) => {
    if (text.trim() === "") return [];
    return text.split(",").map((item) => {
      if (item.trim() === "") throw new Error("has an empty item");
      return parse(item.trim());
    });
  };
}

export function text(value: string): string {
  return value;
}

/** A URL with one of the given schemes, for servers that this system connects to. */
export function urlWithScheme(...schemes: readonly string[]): (text: string) => string {
  return (value) => {
    const parsed = z.url().safeParse(value);
    if (!parsed.success) throw new Error("is not a URL");
    const scheme = new URL(value).protocol.slice(0, -1);
    if (!schemes.includes(scheme)) throw new Error(`must begin with ${schemes.join(":// or ")}://`);
    return value;
  };
}

/** A URL that reaches logs as it is, so it must hold no user or password. */
function urlWithoutUser(parse: (text: string) => string): (text: string) => string {
  return (value) => {
    const { username, password } = new URL(parse(value));
    if (username !== "" || password !== "") {
      throw new Error("must hold no user or password: headers are for that");
    }
    return value;
  };
}

/** An absent optional value: declare it with `default: ""`. */
export function optional<T>(parse: (text: string) => T): (text: string) => T | null {
  return (value) => (value === "" ? null : parse(value));
}

/** A failure of a parser with a message of its own becomes the reason in the list of what is wrong. */
export function usable<T>(parse: (text: string) => T): (text: string) => T {
  return (value) => {
    try {
      return parse(value);
    } catch (error) {
      throw new Error(`is not usable: ${errorMessage(error)}`, { cause: error });
    }
  };
}

/** The variables that every app has. `OPS_PORT` differs in its default only through the environment. */
export const OPS_ENV: {
  OPS_PORT: EnvVariable<number>;
  OPS_HOST: EnvVariable<string>;
  LOG_LEVEL: EnvVariable<string>;
  SHUTDOWN_GRACE_MS: EnvVariable<number>;
} = {
  OPS_PORT: {
    parse: integerBetween(0, 65535),
    description: "Private port with /metrics, /healthz and /readyz; 0 picks a free one.",
    example: "9090",
    default: "9090",
  },
  OPS_HOST: {
    parse: text,
    description: "Address on which the private port listens.",
    example: "0.0.0.0",
    default: "127.0.0.1",
  },
  LOG_LEVEL: {
    parse: choice("fatal", "error", "warn", "info", "debug", "trace", "silent"),
    description: "The least important level that is logged.",
    example: "info",
    default: "info",
  },
  SHUTDOWN_GRACE_MS: {
    parse: integerBetween(0, 600_000),
    description: "Milliseconds that a stop waits for work in hand before it gives up on it.",
    example: "25000",
    default: "25000",
  },
};

/** OpenTelemetry's own names. Read by every app; without an endpoint nothing of it is loaded. */
export const TRACING_ENV: {
  OTEL_EXPORTER_OTLP_ENDPOINT: EnvVariable<string | null>;
  OTEL_EXPORTER_OTLP_HEADERS: EnvVariable<Readonly<Record<string, string>>>;
  OTEL_SERVICE_NAME: EnvVariable<string | null>;
  OTEL_TRACES_SAMPLER_ARG: EnvVariable<number>;
} = {
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    parse: optional(urlWithoutUser(urlWithScheme("http", "https"))),
    description:
      "Base URL of an OpenTelemetry collector that takes OTLP over HTTP; no traces are made without it.",
    example: "http://otel-collector:4318",
    default: "",
    // Not to be quoted in the error that refuses a password in it.
    secret: true,
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    parse: otlpHeaders,
    description: "Headers for the collector, as name=value, comma-separated.",
    example: "authorization=Bearer%20made-up-token",
    default: "",
    secret: true,
  },
  OTEL_SERVICE_NAME: {
    parse: optional(text),
    description: "Name of the service in traces; `reelgate-` and the app when unset.",
    example: "reelgate-ingress",
    default: "",
  },
  OTEL_TRACES_SAMPLER_ARG: {
    parse: ratio,
    description: "Share of traces that are made, from 0 to 1.",
    example: "0.05",
    default: "1",
  },
};

function otlpHeaders(value: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    listOf((item) => {
      const at = item.indexOf("=");
      const name = item.slice(0, Math.max(at, 0)).trim();
      if (!/^[\w-]+$/u.test(name)) throw new Error("is not a list of name=value");
      try {
        return [name, decodeURIComponent(item.slice(at + 1).trim())] as const;
      } catch {
        throw new Error(`has a value of ${name} that is not percent-encoded text`);
      }
    })(value),
  );
}

function ratio(value: string): number {
  const share = Number(value);
  if (!/^\d+(\.\d+)?$/u.test(value) || share > 1) throw new Error("is not a number from 0 to 1");
  return share;
}

/** What the variables of {@link TRACING_ENV} say. */
export function tracingConfig(values: EnvValues<typeof TRACING_ENV>): TracingConfig {
  return {
    endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
    headers: values.OTEL_EXPORTER_OTLP_HEADERS,
    serviceName: values.OTEL_SERVICE_NAME,
    sampleRatio: values.OTEL_TRACES_SAMPLER_ARG,
  };
}

export const DATABASE_ENV: {
  DATABASE_URL: EnvVariable<string>;
  DATABASE_POOL_SIZE: EnvVariable<number>;
  DATABASE_STATEMENT_TIMEOUT_MS: EnvVariable<number>;
} = {
  DATABASE_URL: {
    parse: urlWithScheme("postgres", "postgresql"),
    description: "The Postgres (15 or newer) that holds the catalogue.",
    example: "postgres://reelgate:password@postgres:5432/reelgate",
    secret: true,
  },
  DATABASE_POOL_SIZE: {
    parse: integerBetween(1, 1000),
    description: "Connections to Postgres that one process may hold.",
    example: "10",
    default: "10",
  },
  DATABASE_STATEMENT_TIMEOUT_MS: {
    parse: integerBetween(100, 600_000),
    description: "Milliseconds after which Postgres gives up on one statement.",
    example: "15000",
    default: "15000",
  },
};
