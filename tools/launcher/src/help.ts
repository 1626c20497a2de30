import { LAUNCHER_ENV } from "./config.ts";

/** What `npm start -- --help` prints. */
export function helpText(): string {
  const names = Object.keys(LAUNCHER_ENV);
  const width = Math.max(...names.map((name) => name.length)) + 2;
  const rows = Object.entries(LAUNCHER_ENV).map(
    ([name, { description, default: standard }]) =>
      `  ${name.padEnd(width)}${description}${standard === "" ? "" : ` Default: ${standard}`}`,
  );
  return [
    "npm start [-- --verbose]",
    "",
    "Sets this machine up and runs Reelgate on it: ingress, worker, dashboard, and an embedded Redis and Postgres.",
    "Ctrl-C stops everything; the data stays under DATA_DIR.",
    "",
    "Options",
    "  --verbose   show everything that the apps and servers log; warnings and errors are shown anyway",
    "  --help      show this",
    "",
    "Environment (the apps' own variables, in docs/configuration.md, work as well)",
    ...rows,
    "",
  ].join("\n");
}
