import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createProgram } from "@reelgate/cli/command-line/program";
import { VIOLATION_KINDS } from "@reelgate/cli/commands/audit/violations";
import { expect, it } from "vitest";

const PAGE = fileURLToPath(new URL("../../../docs/cli.md", import.meta.url));
const page = readFileSync(PAGE, "utf8");

type Program = ReturnType<typeof createProgram>;

/** The help of each command that can be run, and of the program, by its whole name. */
function helpOf(command: Program, parent = ""): [name: string, help: string][] {
  const name = `${parent} ${command.name()}`.trim();
  let help = "";
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.configureHelp({ ...command.configureHelp(), helpWidth: 100 });
  if (command.commands.length === 0 || parent === "") command.outputHelp();
  return [
    ...(help === "" ? [] : [[name, help.trimEnd()] as [string, string]]),
    ...command.commands.flatMap((child) => helpOf(child, name)),
  ];
}

const helps = new Map(helpOf(createProgram("0.0.0", () => {}, { out: () => {}, err: () => {} })));
const BLOCK = /^```help (.+)\n(?:(?!```).*\n)*```$/gmu;

/** The page's prose is written by hand; its blocks of help are what the commands print. */
it("docs/cli.md prints the help of every command as it is", async () => {
  const shown = [...page.matchAll(BLOCK)].map(([, name]) => name ?? "");
  expect(shown.toSorted()).toEqual([...helps.keys()].toSorted());
  const current = page.replaceAll(
    BLOCK,
    (_block, name: string) => `\`\`\`help ${name}\n${helps.get(name) ?? ""}\n\`\`\``,
  );
  await expect(current).toMatchFileSnapshot(PAGE);
});

it("docs/cli.md says of every violation what to do", () => {
  const rows = [...page.matchAll(/^\| `([a-z_]+)` \| [^|]+ \| [^|]{10,} \|$/gmu)];
  expect(rows.map(([, kind]) => kind)).toEqual(expect.arrayContaining([...VIOLATION_KINDS]));
});
