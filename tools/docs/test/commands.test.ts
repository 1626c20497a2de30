import { readFileSync, readdirSync } from "node:fs";
import { expect, it } from "vitest";

const read = (path: string): string =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const manifest = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...readdirSync(new URL("../../../docs/", import.meta.url))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

it.each(pages)("%s names only npm scripts that exist", (page) => {
  const named = [...read(page).matchAll(/npm (?:run )?([a-z][a-z:-]*)/gu)].map(
    (match) => match[1] ?? "",
  );
  const builtIn = ["install", "ci", "package", "registry", "packages", "and", "script", "scripts"];
  expect(named.filter((name) => !(name in manifest.scripts) && !builtIn.includes(name))).toEqual(
    [],
  );
});

it.each(pages)("%s links only to files and headings that exist", (page) => {
  const folder = page.includes("/") ? `${page.slice(0, page.lastIndexOf("/"))}/` : "";
  const links = [...read(page).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/gu)].map(
    (match) => match[1] ?? "",
  );
  const broken = links.filter((link) => {
    const [path = "", anchor] = link.split("#");
    try {
      const text = path === "" ? read(page) : read(`${folder}${path}`);
      return anchor !== undefined && !headingsOf(text).includes(anchor);
    } catch (error) {
      return !(error instanceof Error && error.message.includes("EISDIR"));
    }
  });
  expect(broken).toEqual([]);
});

function headingsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gmu)].map((match) =>
    (match[1] ?? "")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s-]/gu, "")
      .trim()
      .replaceAll(/\s/gu, "-"),
  );
}
