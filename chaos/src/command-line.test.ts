import { describe, expect, test } from "vitest";
import { parseCommandLine } from "./command-line.ts";
import type { CommandLine } from "./command-line.ts";
import { FAULT_KIND_NAMES, kindsFor } from "./fault-kinds.ts";

interface Parsed {
  line: CommandLine;
  out: string;
  err: string;
}

function parsed(...args: string[]): Parsed {
  const texts = { out: "", err: "" };
  const line = parseCommandLine(args, {
    out: (text) => {
      texts.out += text;
    },
    err: (text) => {
      texts.err += text;
    },
  });
  return { line, ...texts };
}

describe("the arguments of chaos", () => {
  test("are one minute of a single Redis with all that has room in it, unless they say otherwise", () => {
    const { line } = parsed("--seed", "1");
    expect(line).toEqual({
      kind: "run",
      flags: {
        seed: "1",
        minutes: 1,
        topology: "single",
        ratePerS: 20,
        kinds: kindsFor("single", 1),
        dataDir: null,
        keep: false,
        json: false,
        results: false,
      },
    });
  });

  test("make up a seed, which the plan then says", () => {
    const { line } = parsed();
    expect(line).toMatchObject({ flags: { seed: expect.stringMatching(/^\d+$/u) } });
  });

  test("choose kinds of faults", () => {
    const { line } = parsed("--faults", "redis-kill,worker-freeze", "--minutes", "5");
    expect(line).toMatchObject({ flags: { kinds: ["redis-kill", "worker-freeze"] } });
  });

  test.each([
    [["--faults", "earthquake"], 'There is no fault "earthquake"'],
    [["--faults", "master-kill"], "master-kill has no place in 1 min of topology single"],
    [["--faults", "worker-freeze", "--minutes", "1"], "worker-freeze has no place"],
    [["--minutes", "0"], "a number from 0.1 to 1440"],
    [["--topology", "ring"], "Allowed choices are single, sentinel, cluster"],
    [["--seed", "a/b"], "1 to 32 letters"],
    [["left", "over"], "too many arguments"],
  ])("%j is refused", (args, message) => {
    const { line, err } = parsed(...args);
    expect(line).toEqual({ kind: "over", exitCode: 2 });
    expect(err).toContain(message);
  });

  test("the help names every fault", () => {
    const { line, out } = parsed("--help");
    expect(line).toEqual({ kind: "over", exitCode: 0 });
    for (const kind of FAULT_KIND_NAMES) expect(out).toContain(`\n  ${kind} `);
  });
});
