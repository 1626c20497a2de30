import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FAULT_KINDS, FAULT_KIND_NAMES } from "./fault-kinds.ts";

test("docs/chaos.md lists every fault as it is", () => {
  const page = readFileSync(new URL("../../docs/chaos.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `([a-z-]+)` +\| (.+?) +\| (.+?) +\|$/gmu)];
  expect(rows.map(([, kind, what, topologies]) => ({ kind, what, topologies }))).toEqual(
    FAULT_KIND_NAMES.map((kind) => ({
      kind,
      what: FAULT_KINDS[kind].what,
      topologies: FAULT_KINDS[kind].topologies.join(", "),
    })),
  );
});
