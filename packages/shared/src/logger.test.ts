import { expect, test } from "vitest";
import { AppError } from "./errors.ts";
import { createLogger } from "./logger.ts";

test("G6: the messages and stacks of a chain of errors are redacted", () => {
  const lines: string[] = [];
  const logger = createLogger({
    app: "test",
    level: "info",
    destination: { write: (line) => lines.push(line) },
  });
  const cause = new Error("GET http://h/p/sign=s3cret/a.mp4?b=s3cret: apiKey: s3cret");
  logger.info(
    { err: new AppError("internal", { message: "read {'sign':'s3cret'}", cause }) },
    "failed",
  );
  expect(lines.join("")).not.toContain("s3cret");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    err: {
      code: "internal",
      message: "read {'sign':'[redacted]'}",
      cause: { message: expect.stringContaining("GET http://h/p/sign=[redacted]") },
    },
  });
});
