import { z } from "zod";
import type { EnvDeclaration } from "./env.ts";
import { AppError } from "./errors.ts";

/** Makes an app's `main.js` say what it thinks of its configuration, as JSON, instead of starting. */
export const CHECK_CONFIG_FLAG = "--check-config";

/** One app's configuration, as the app itself reads it. */
export interface ConfigReport {
  app: string;
  ok: boolean;
  /** What is wrong, one line each. */
  problems: string[];
  /** The values that would be in effect; of a secret only whether it is set. */
  values: Record<string, string>;
}
export const configReportSchema: z.ZodType<ConfigReport> = z.object({
  app: z.string(),
  ok: z.boolean(),
  problems: z.array(z.string()),
  values: z.record(z.string(), z.string()),
});

/**
 * Reads an app's configuration without starting anything.
 *
 * @param read what the app reads it with; what it throws as `config_invalid` is the report.
 */
export function reportConfig(
  app: string,
  declaration: EnvDeclaration,
  env: Readonly<Record<string, string | undefined>>,
  read: (env: Readonly<Record<string, string | undefined>>) => unknown,
): ConfigReport {
  return { app, ...verdict(read, env), values: effectiveValues(declaration, env) };
}

function verdict(
  read: (env: Readonly<Record<string, string | undefined>>) => unknown,
  env: Readonly<Record<string, string | undefined>>,
): Pick<ConfigReport, "ok" | "problems"> {
  try {
    read(env);
    return { ok: true, problems: [] };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "config_invalid") throw error;
    // The first line says that something is wrong; each other one is one thing.
    const [, ...problems] = error.message.split("\n");
    return { ok: false, problems: problems.map((problem) => problem.trim()) };
  }
}

function effectiveValues(
  declaration: EnvDeclaration,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const entries = Object.entries(declaration).map(([name, variable]) => {
    const given = env[name] ?? "";
    const isSet = given !== "";
    if (variable.secret === true) return [name, isSet ? "set" : "not set"];
    const fallback = variable.default ?? "";
    if (isSet) return [name, given];
    return [name, fallback === "" ? "not set" : `${fallback} (default)`];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}
