import { readFile, writeFile } from "node:fs/promises";
import { cpus, loadavg, release, totalmem, type } from "node:os";

const FILE = new URL("results.md", import.meta.url);
const HEAD = `# Results of the benchmarks

Written by \`npm run bench\`: each section by the command that it names, as it was measured.
`;

/** Puts a section into `results.md` in place of the last one with its title. */
export async function writeSection(title: string, text: string): Promise<void> {
  const before = await readFile(FILE, "utf8").catch(() => HEAD);
  const section = `## ${title}\n\n${text.trim()}\n`;
  const parts = before.split(/^(?=## )/mu);
  const place = parts.findIndex((part) => part.startsWith(`## ${title}\n`));
  if (place === -1) parts.push(`\n${section}`);
  else parts[place] = place === parts.length - 1 ? section : `${section}\n`;
  await writeFile(FILE, parts.join(""));
}

/** The text of a section, or nothing where there is none. */
export async function readSection(title: string): Promise<string> {
  const before = await readFile(FILE, "utf8").catch(() => HEAD);
  const start = `## ${title}\n`;
  return (
    before
      .split(/^(?=## )/mu)
      .find((part) => part.startsWith(start))
      ?.slice(start.length)
      .trim() ?? ""
  );
}

/** The machine, for the head of a section. The load says what else it had to do. */
export function machine(): string {
  const models = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return `${models.length} × ${models[0]?.model.trim() ?? "CPU"}, ${gigabytes} GB, ${type()} ${release()}, Node ${process.versions.node}; load average at the end ${loadavg()[0]?.toFixed(1) ?? "?"}`;
}

/** Adds a row to the table of a section of `results.md`, which is made when there is none. */
export async function appendRow(
  title: string,
  intro: string,
  head: readonly string[],
  row: readonly string[],
): Promise<void> {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const text = await readFile(FILE, "utf8").catch(() => HEAD);
  const section = text.split(/^(?=## )/mu).find((part) => part.startsWith(`## ${title}\n`));
  const rows =
    section
      ?.split("\n")
      .filter((one) => one.startsWith("| "))
      .slice(2) ?? [];
  const table = [line(head), line(head.map(() => "---")), ...rows, line(row)];
  await writeSection(title, `${intro}\n\n${table.join("\n")}`);
}
