import type { ConfigReport } from "@reelgate/shared/config-report";
import type { CommandIo, ExitCode } from "../command-io.ts";
import type { CheckedApp, Ports } from "../ports.ts";
import { printable } from "../text/printable.ts";

export interface CheckConfigFlags {
  apps: readonly CheckedApp[];
  json: boolean;
}

/** Has each app read this environment as it would at its start, and shows what is wrong, or what would be in effect. */
export async function checkConfig(
  flags: CheckConfigFlags,
  ports: Pick<Ports, "checkConfig">,
  io: CommandIo,
): Promise<ExitCode> {
  const reports = await Promise.all(flags.apps.map((app) => ports.checkConfig(app)));
  await io.print(
    reports
      .map((report) => (flags.json ? `${JSON.stringify(report)}\n` : reportText(report)))
      .join(""),
  );
  return reports.every(({ ok }) => ok) ? 0 : 1;
}

function reportText({ app, ok, problems, values }: ConfigReport): string {
  if (!ok)
    return [`${app}: not usable`, ...problems.map((line) => `  ${printable(line)}`), ""].join("\n");
  const longest = Math.max(...Object.keys(values).map(({ length }) => length));
  return [
    `${app}: OK`,
    ...Object.entries(values).map(
      ([name, value]) => `  ${name.padEnd(longest)}  ${printable(value)}`,
    ),
    "",
  ].join("\n");
}
