import { createLogger } from "@reelgate/shared/logger";
import { expect, test } from "vitest";
import { createLogSink } from "./log-sink.ts";

test("the lines of a real logger arrive parsed", async () => {
  const sink = createLogSink();
  const logger = createLogger({ app: "test", level: "info", destination: sink.stream });
  const waiting = sink.waitFor((line) => line.level === 50);
  logger.info({ count: 2 }, "first");
  logger.debug("below the level");
  logger.error("second");
  expect(await waiting).toMatchObject({ app: "test", msg: "second" });
  expect(sink.withMessage("first")).toMatchObject([{ count: 2, level: 30 }]);
  expect(sink.lines).toHaveLength(2);
  expect(sink.text()).toContain('"first"');
});

test("a line that comes in pieces is one line", () => {
  const sink = createLogSink();
  sink.stream.write('{"level":30,"ms');
  expect(sink.lines).toEqual([]);
  sink.stream.write('g":"whole"}\n');
  expect(sink.lines).toEqual([{ level: 30, msg: "whole" }]);
});
