import { describe, expect, it } from "vitest";
import { parseCommandLine } from "./program.ts";
import type { CommandLine } from "./program.ts";

function parse(...args: string[]): CommandLine & { out: string; err: string } {
  let out = "";
  let err = "";
  const result = parseCommandLine(args, "1.2.3", {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return { ...result, out, err };
}

describe("the command line", () => {
  it.each([
    ["--version", "1.2.3\n"],
    ["--help", "Exit codes:"],
    ["help", "Exit codes:"],
    ["audit --help", "--acknowledged <file>"],
    ["help prune", "--older-than <age>"],
  ])("prints what %s asks for, and exits with 0", (args, text) => {
    const result = parse(...args.split(" "));
    expect(result).toMatchObject({ kind: "over", exitCode: 0, err: "" });
    expect(result.out).toContain(text);
  });

  it.each([
    ["", "Usage: reelgate"],
    ["recordings", "Usage: reelgate recordings"],
    ["recording list", "Did you mean recordings?"],
    ["recordings lst", "Did you mean list?"],
    ["audit --acknowleged x", "Did you mean --acknowledged?"],
    ["recordings list --limit many", "It must be a whole number"],
    ["recordings list --state broken", "Allowed choices are pending, indexed, stored, failed."],
    ["recordings list more", "too many arguments"],
    ["callbacks show", "missing required argument"],
    ["callbacks show cb-1 --raw --json", "cannot be used with option"],
    ["prune", "required option '--older-than <age>' not specified"],
    ["prune --older-than 12h", "It must be 1d or more."],
    ["check-config nobody", "Allowed choices are"],
  ])("says what is wrong with %j, and exits with 2", (args, text) => {
    const result = parse(...args.split(" ").filter(Boolean));
    expect(result).toMatchObject({ kind: "over", exitCode: 2, out: "" });
    expect(result.err).toContain(text);
  });

  it.each([
    "recordings retry",
    "recordings retry 1 --state failed",
    "recordings retry --state pending",
    "callbacks replay",
    "callbacks replay cb-1 --outcome invalid",
  ])("refuses %j, which does not say what it means", (args) => {
    expect(() => parse(...args.split(" "))).toThrow(expect.objectContaining({ code: "usage" }));
  });

  it("chooses the command that is named", () => {
    for (const args of ["recordings list --all", "queues --watch", "queues --watch 5", "audit"]) {
      expect(parse(...args.split(" "))).toMatchObject({ kind: "run", out: "", err: "" });
    }
  });
});
