import { describe, expect, it } from "vitest";
import { parseCommandLine } from "./command-line.ts";
import type { CommandLine } from "./command-line.ts";
import { SCENARIOS } from "./scenario.ts";

function parse(...args: string[]): CommandLine & { out: string; err: string } {
  let out = "";
  let err = "";
  const result = parseCommandLine(args, {
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
  it("retries as the provider does unless told otherwise", () => {
    expect(parse()).toMatchObject({
      kind: "run",
      flags: {
        count: 100,
        scenario: "normal",
        format: "all",
        ratePerS: 50,
        concurrency: 16,
        retries: 12,
        retryIntervalMs: 60_000,
        timeoutMs: 20_000,
        verifyTimeoutMs: 120_000,
        verify: false,
        withOrigin: false,
        resign: false,
        json: false,
      },
    });
  });

  it("sends a burst at once, within limits that can be moved", () => {
    expect(parse("--scenario", "burst", "--count", "40")).toMatchObject({
      flags: { ratePerS: 0, concurrency: 40 },
    });
    expect(parse("--scenario", "burst", "--count", "4000")).toMatchObject({
      flags: { concurrency: 512 },
    });
    expect(parse("--scenario=burst", "--rate=5", "--concurrency=2")).toMatchObject({
      flags: { ratePerS: 5, concurrency: 2 },
    });
  });

  it("reads every flag", () => {
    const text =
      "--url http://h/c --key k --api http://d --user u --password p --count 3 --rate 0.5 --concurrency 7 " +
      "--scenario mixed --seed s1 --run-id r1 --format hls --origin-host 10.1.2.3 --origin-port 81 --keep-origin --verify " +
      "--verify-timeout 1.5 --retry-interval 0 --retries 0 --timeout 2 --resign --json";
    expect(parse(...text.split(" "))).toMatchObject({
      kind: "run",
      flags: {
        url: "http://h/c",
        key: "k",
        api: "http://d",
        user: "u",
        password: "p",
        count: 3,
        ratePerS: 0.5,
        concurrency: 7,
        scenario: "mixed",
        seed: "s1",
        runId: "r1",
        format: "hls",
        originHost: "10.1.2.3",
        originPort: 81,
        withOrigin: true,
        keepOrigin: true,
        verify: true,
        verifyTimeoutMs: 1500,
        retryIntervalMs: 0,
        retries: 0,
        timeoutMs: 2000,
        resign: true,
        json: true,
      },
    });
  });

  it.each([
    ["--count", "0"],
    ["--count", "-1"],
    ["--count", "1e3"],
    ["--count", "many"],
    ["--rate", "-5"],
    ["--rate", "Infinity"],
    ["--concurrency", "0"],
    ["--scenario", "other"],
    ["--format", "avi"],
    ["--seed", "a/b"],
    ["--run-id", ".."],
    ["--retries", "1.5"],
    ["--timeout", "x"],
    ["--origin-port", "70000"],
    ["--origin-host", "media.example.com"],
    ["--origin-host", "127.0.0.1:8090"],
    ["--unknown"],
    ["surplus"],
  ])("refuses %s %s with exit code 2 and a reason", (...args) => {
    const result = parse(...args);
    expect(result).toMatchObject({ kind: "over", exitCode: 2, out: "" });
    expect(result.err).toContain("error:");
  });

  it("helps with every scenario, example and exit code", () => {
    const help = parse("--help");
    expect(help).toMatchObject({ kind: "over", exitCode: 0, err: "" });
    for (const scenario of Object.keys(SCENARIOS)) expect(help.out).toContain(`  ${scenario} `);
    expect(help.out).toContain("Exit codes:");
    expect(help.out).toContain("npm run simulate -- --count 200 --scenario mixed --with-origin");
  });
});
