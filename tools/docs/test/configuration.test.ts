import { fileURLToPath } from "node:url";
import { CLI_ENV } from "@reelgate/cli/config";
import { DASHBOARD_ENV } from "@reelgate/dashboard/config";
import { INGRESS_ENV } from "@reelgate/ingress/config";
import { LAUNCHER_ENV } from "@reelgate/launcher/config";
import { DATABASE_ENV, OPS_ENV, TRACING_ENV } from "@reelgate/shared/env";
import type { EnvDeclaration } from "@reelgate/shared/env";
import { REDIS_ENV } from "@reelgate/shared/redis-env";
import { storageEnv } from "@reelgate/shared/storage-env";
import { WORKER_ENV } from "@reelgate/worker/config";
import { expect, it } from "vitest";

const STORAGE_ENV = storageEnv((text) => text);

/**
 * `docs/configuration.md` is made of the declarations that the apps read their environment with. After a change of
 * one: `npx vitest run tools/docs --update`.
 */
it("docs/configuration.md says what the code reads", async () => {
  const page = [
    "# Configuration",
    "",
    "Everything is set by environment variables. An empty variable counts as unset. A value that is not usable stops the start with exit code 1 and a line that names the variable, the problem and an example. This page is made from the declarations in the code; a test keeps both equal.",
    "",
    ...section(
      "Every app",
      "Read by ingress, worker and dashboard alike. Under `npm start` each app gets an `OPS_PORT` of its own.",
      OPS_ENV,
    ),
    ...section(
      "Traces",
      "Read by ingress, worker and dashboard, under OpenTelemetry's own names. [Operations](operations.md#watch) says what is in a trace.",
      TRACING_ENV,
    ),
    ...section("Redis", "Read by ingress, worker, dashboard and command line.", REDIS_ENV),
    ...section(
      "Postgres",
      "Read by worker and dashboard; the command line reads `DATABASE_URL` and `DATABASE_STATEMENT_TIMEOUT_MS`.",
      DATABASE_ENV,
    ),
    ...section("Storage of copies", "Read by worker and dashboard.", STORAGE_ENV),
    ...section("Ingress", "", without(INGRESS_ENV, OPS_ENV, TRACING_ENV, REDIS_ENV)),
    ...section(
      "Worker",
      "",
      without(WORKER_ENV, OPS_ENV, TRACING_ENV, REDIS_ENV, DATABASE_ENV, STORAGE_ENV),
    ),
    ...section(
      "Dashboard",
      "",
      without(DASHBOARD_ENV, OPS_ENV, TRACING_ENV, REDIS_ENV, DATABASE_ENV, STORAGE_ENV),
    ),
    ...section(
      "Command line",
      "Read by [`reelgate`](cli.md), beside `REDIS_URL` and `DATABASE_URL`, which it wants only where a command needs them.",
      without(CLI_ENV, REDIS_ENV, DATABASE_ENV),
    ),
    ...section(
      "`npm start`",
      "Read by the launcher, which passes every other variable on to the apps. A key or password that is not given is made up, kept in `DATA_DIR` and printed; one that is given is never printed.",
      LAUNCHER_ENV,
    ),
  ];
  await expect(`${page.join("\n").trimEnd()}\n`).toMatchFileSnapshot(
    fileURLToPath(new URL("../../../docs/configuration.md", import.meta.url)),
  );
});

function without(declaration: EnvDeclaration, ...others: EnvDeclaration[]): EnvDeclaration {
  const covered = new Set(others.flatMap((other) => Object.keys(other)));
  return Object.fromEntries(Object.entries(declaration).filter(([name]) => !covered.has(name)));
}

function section(title: string, introduction: string, declaration: EnvDeclaration): string[] {
  const rows = Object.entries(declaration).map(([name, variable]) => {
    const fallback =
      variable.default === undefined
        ? "**required**"
        : variable.default === ""
          ? "none"
          : `\`${variable.default}\``;
    const secret = variable.secret === true ? " Secret." : "";
    return `| \`${name}\` | ${fallback} | ${cell(variable.description)}${secret} | \`${cell(variable.example)}\` |`;
  });
  return [
    `## ${title}`,
    "",
    ...(introduction === "" ? [] : [introduction, ""]),
    "| variable | default | meaning | example |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ];
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
