import { describe, expect, it } from "vitest";
import { ageText, countOf, secondText } from "./quantities.ts";
import { printable, printableLines } from "./printable.ts";
import { createTable } from "./table.ts";
import type { Column } from "./table.ts";

interface Row {
  id: number;
  name: string;
  note: string;
}
const COLUMNS: readonly Column<Row>[] = [
  { title: "ID", cell: ({ id }) => String(id), right: true },
  { title: "NAME", cell: ({ name }) => name, min: 4 },
  { title: "NOTE", cell: ({ note }) => note, min: 4 },
];

describe("a table", () => {
  it("gives each column what its widest cell needs where there is no terminal", () => {
    const table = createTable(COLUMNS, null);
    expect(table.lines([{ id: 7, name: "a".repeat(20), note: "n" }])).toBe(
      `ID  NAME                  NOTE\n 7  ${"a".repeat(20)}  n\n`,
    );
    expect(table.lines([{ id: 123, name: "b", note: "" }])).toBe(`123  b\n`);
  });

  it("takes from the widest columns what a terminal has no room for, and never from others", () => {
    const rows = [{ id: 1_000_000, name: "n".repeat(50), note: "o".repeat(20) }];
    expect(createTable(COLUMNS, 31).lines(rows)).toBe(
      "     ID  NAME        NOTE\n1000000  nnnnnnnnn…  ooooooooo…\n",
    );
    expect(createTable(COLUMNS, 5).lines(rows)).toContain("1000000  nnn…  ooo…\n");
  });

  it("knows that some characters take two columns", () => {
    const rows = [{ id: 1, name: "录制频道一号", note: "x" }];
    expect(createTable(COLUMNS, null).lines(rows)).toBe(
      "ID  NAME          NOTE\n 1  录制频道一号  x\n",
    );
    expect(createTable(COLUMNS, 17).lines(rows)).toBe("ID  NAME     NOTE\n 1  录制频…  x\n");
  });

  it("shows what would move the cursor as text", () => {
    const evil = { id: 1, name: "\u001b[2Jx\n\u202ey", note: "" };
    expect(createTable(COLUMNS, null).lines([evil])).toContain("\\u{1b}[2Jx\\u{a}\\u{202e}y");
    expect(printable("plain, ünïcödé 录制")).toBe("plain, ünïcödé 录制");
    expect(printableLines("a\nb\r")).toBe("a\nb\\u{d}");
  });
});

describe("quantities", () => {
  it.each([
    [850, "850 ms"],
    [12_400, "12 s"],
    [300_000, "5 min"],
    [10_800_000, "3 h"],
    [1_036_800_000, "12 d"],
    [-5, "0 ms"],
  ])("%i ms are %s", (ms, text) => {
    expect(ageText(ms)).toBe(text);
  });

  it("are counted in words", () => {
    expect(countOf(1, "recording")).toBe("1 recording");
    expect(countOf(12_345, "recording")).toBe("12,345 recordings");
    expect(secondText("2026-01-31T12:00:00.123456Z")).toBe("2026-01-31 12:00:00Z");
  });
});
