import { readFileSync } from "node:fs";
import { FINDING_KINDS, FINDING_SEVERITIES } from "@reelgate/shared/contract/media";
import { expect, it } from "vitest";

/** What was seen and how sure it is, no code can know; kinds and severities must be the contract's. */
it("docs/media.md lists every finding with its severity", () => {
  const page = readFileSync(new URL("../../../docs/media.md", import.meta.url), "utf8");
  const rows = page
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  expect(rows.map(([, kind, severity]) => [kind, severity])).toEqual(
    FINDING_KINDS.map((kind) => [`\`${kind}\``, FINDING_SEVERITIES[kind]]),
  );
  expect(rows.filter((cells) => cells.length !== 6 || cells[3] === "")).toEqual([]);
});
