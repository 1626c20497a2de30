import { expect, test } from "vitest";
import { redactBoardAnswer } from "./redact-board-answer.ts";

const jobs = (count: number, body: string): unknown => ({
  queues: [{ name: "q", jobs: Array.from({ length: count }, (_, id) => ({ id, data: { body } })) }],
});

test("each body of a list is shown, with the JSON inside it", () => {
  const body = JSON.stringify({ sign: "a", callback_ext: JSON.stringify({ session_id: "b" }) });
  const shown = body.replace('"sign":"a"', '"sign":"[redacted]"');
  expect(redactBoardAnswer(jobs(200, body))).toEqual(jobs(200, shown));
});

test("a body that is no JSON is not shown", () => {
  expect(redactBoardAnswer(jobs(1, "the sign is a"))).toEqual(jobs(1, "[redacted]"));
  expect(redactBoardAnswer({ job: { data: { body: "x" } }, status: "failed" })).toEqual({
    job: { data: { body: "[redacted]" } },
    status: "failed",
  });
});

test("G6: whatever the answer is, it is redacted", () => {
  for (const answer of [
    { logs: ["sign=s3cret"] },
    { job: { failedReason: "sign: s3cret", returnValue: { apiKey: "s3cret" }, data: null } },
    { queues: [{ description: "sign=s3cret" }], other: { sign: "s3cret" } },
    { queues: "sign=s3cret" },
    ["sign=s3cret"],
    "sign=s3cret",
  ]) {
    expect(JSON.stringify(redactBoardAnswer(answer))).not.toContain("s3cret");
  }
});
