import { until } from "@reelgate/testkit/latch";
import { expect, test } from "vitest";
import type { ProcessExit } from "./servers/child-process.ts";
import { supervise } from "./supervise.ts";

interface FakeProcess {
  id: number;
  exited: Promise<ProcessExit>;
  stopped: boolean;
  end(exit: ProcessExit): void;
  stop(): Promise<void>;
}

function fakes(failures: ReadonlySet<number> = new Set()): {
  started: FakeProcess[];
  reports: string[];
  start: () => Promise<FakeProcess>;
  report: (line: string) => void;
} {
  const started: FakeProcess[] = [];
  const reports: string[] = [];
  let attempts = 0;
  return {
    started,
    reports,
    report: (line) => reports.push(line),
    start: () => {
      attempts += 1;
      if (failures.has(attempts)) return Promise.reject(new Error("no memory"));
      const { promise, resolve } = Promise.withResolvers<ProcessExit>();
      const fake: FakeProcess = {
        id: attempts,
        exited: promise,
        stopped: false,
        end: resolve,
        stop: () => {
          fake.stopped = true;
          resolve({ code: 0, signal: null });
          return Promise.resolve();
        },
      };
      started.push(fake);
      return Promise.resolve(fake);
    },
  };
}

test("a process that ends by itself is started again, and said so", async () => {
  const { started, reports, start, report } = fakes();
  await using supervised = await supervise({ name: "Redis", start, report });
  started[0]?.end({ code: null, signal: "SIGKILL" });
  await until(() => supervised.current().id === 2);
  await until(() => reports.length === 2);
  expect(reports).toEqual([
    "Redis ended with signal SIGKILL; starting it again in 500 ms",
    "Redis is running again",
  ]);
});

test("a start that fails is tried again after a longer pause", async () => {
  const { started, reports, start, report } = fakes(new Set([2]));
  await using supervised = await supervise({ name: "Redis", start, report });
  started[0]?.end({ code: 1, signal: null });
  await until(() => supervised.current().id === 3);
  expect(reports.slice(0, 2)).toEqual([
    "Redis ended with exit code 1; starting it again in 500 ms",
    "Redis did not start (no memory); starting it again in 1000 ms",
  ]);
});

test("a process that ran long enough was well: its next pause is the shortest again", async () => {
  const { started, reports, start, report } = fakes();
  await using supervised = await supervise({ name: "Redis", start, report, healthyMs: -1 });
  started[0]?.end({ code: 1, signal: null });
  await until(() => supervised.current().id === 2);
  started[1]?.end({ code: 1, signal: null });
  await until(() => supervised.current().id === 3);
  expect(reports.filter((line) => line.includes("starting it again in 500 ms"))).toHaveLength(2);
});

test("disposing stops it, and nothing starts again", async () => {
  const { started, reports, start, report } = fakes();
  const supervised = await supervise({ name: "Redis", start, report });
  await supervised[Symbol.asyncDispose]();
  expect(started.map((fake) => fake.stopped)).toEqual([true]);
  expect(reports).toEqual([]);
});

test("disposing in the pause ends the pause", async () => {
  const { started, reports, start, report } = fakes();
  const supervised = await supervise({ name: "Redis", start, report });
  started[0]?.end({ code: 1, signal: null });
  await until(() => reports.length === 1);
  await supervised[Symbol.asyncDispose]();
  expect(started).toHaveLength(1);
});

test("a first start that fails is thrown, not repeated", async () => {
  const { started, start, report } = fakes(new Set([1]));
  await expect(supervise({ name: "Redis", start, report })).rejects.toThrow("no memory");
  expect(started).toEqual([]);
});
