import { expect, test } from "vitest";
import { terminalLines } from "./terminal-lines.ts";

const line = (level: number, msg: string, more: object = {}): string =>
  JSON.stringify({ level, msg, ...more });

test("warnings and errors are shown short, the rest is for the log file", () => {
  const show = terminalLines({ verbose: false, nowMs: () => 0 });
  expect(show("worker", line(30, "settled"))).toBeNull();
  expect(show("worker", line(40, "slow"))).toBe("[worker] warn: slow");
  expect(show("worker", line(50, "failed", { err: { message: "no route" } }))).toBe(
    "[worker] error: failed: no route",
  );
});

test("a recording's trouble is shown with its number and reason, once for all recordings", () => {
  const show = terminalLines({ verbose: false, nowMs: () => 0 });
  const about = (recordingId: string): string =>
    line(40, "recording could not be verified", {
      recordingId,
      code: "storage_refused",
      message: "/sys/x: access is refused.",
    });
  expect(show("worker", about("12"))).toBe(
    "[worker] warn: recording could not be verified; recording 12: /sys/x: access is refused. (storage_refused)",
  );
  expect(show("worker", about("13"))).toBeNull();
  expect(
    show("worker", line(40, "recording stored", { recordingId: "3", findings: ["a", "a", "b"] })),
  ).toBe("[worker] warn: recording stored; recording 3: a, b");
});

test("what is no log line is shown: a crash prints such", () => {
  const show = terminalLines({ verbose: false, nowMs: () => 0 });
  expect(show("ingress", "Error: boom")).toBe("[ingress] error: Error: boom");
  expect(show("ingress", '{"no":"level"}')).toBe('[ingress] error: {"no":"level"}');
  expect(show("ingress", "   ")).toBeNull();
});

test("the same complaint is shown again only after ten seconds", () => {
  let nowMs = 0;
  const show = terminalLines({ verbose: false, nowMs: () => nowMs });
  const complaint = line(40, "Redis is away");
  expect(show("worker", complaint)).not.toBeNull();
  nowMs = 9_999;
  expect(show("worker", complaint)).toBeNull();
  expect(show("ingress", complaint)).not.toBeNull();
  nowMs = 10_000;
  expect(show("worker", complaint)).not.toBeNull();
});

test("everything is shown when asked for", () => {
  const show = terminalLines({ verbose: true, nowMs: () => 0 });
  expect(show("worker", line(30, "settled"))).toBe('[worker] {"level":30,"msg":"settled"}');
});
