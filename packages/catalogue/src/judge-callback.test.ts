import { recordingBody } from "@reelgate/testkit/recording-body";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeCallback } from "./judge-callback.ts";

const outcomeOf = (body: string): string => judgeCallback(body).verdict.kind;

describe("the judgement of a body", () => {
  it("is a recording for the specification's sample", () => {
    expect(judgeCallback(recordingBody())).toMatchObject({
      eventType: "100",
      verdict: { kind: "recording", identity: "file:12345678:1234567890" },
    });
  });

  it("takes the sample as the specification prints it, with the quotes of callback_ext escaped twice", () => {
    const printed = recordingBody().replaceAll('\\"', '\\\\"');
    expect(() => JSON.parse(printed)).toThrow(/JSON/u);
    expect(outcomeOf(printed)).toBe("recording");
  });

  it.each([0, 1, 200, 314, 315, 317, 321, 332, 341, "1", "push"])(
    "is unsupported for event type %j",
    (event_type) => {
      expect(judgeCallback(JSON.stringify({ event_type }))).toEqual({
        eventType: String(event_type),
        unknownFields: [],
        verdict: { kind: "unsupported" },
      });
    },
  );

  it.each([
    ["{}", "event_type is missing"],
    ['{"event_type":{}}', "event_type is not a whole number"],
    ["null", " the body is not an object"],
    ["[]", " the body is not an object"],
    ["{", " the body cannot be read: not well-formed JSON"],
    [
      `${"[".repeat(200)}${"]".repeat(200)}`,
      " the body cannot be read: nested deeper than 64 levels",
    ],
  ])("is invalid for %j", (body, problem) => {
    const { verdict } = judgeCallback(body);
    expect(
      verdict.kind === "invalid" &&
        verdict.problems.map(({ path, message }) => `${path} ${message}`),
    ).toContain(problem);
  });

  it("keeps a file id that is a number beyond 2^53 exactly", () => {
    const body = recordingBody().replace('"file_id":"1234567890"', '"file_id":5285890784246869930');
    expect(judgeCallback(body).verdict).toMatchObject({
      identity: "file:12345678:5285890784246869930",
    });
  });

  it("keeps a bounded number of unknown names", () => {
    const extra = Object.fromEntries(
      Array.from({ length: 500 }, (_, index) => [`x${index}${"y".repeat(200)}`, 1]),
    );
    const { unknownFields } = judgeCallback(recordingBody(extra));
    expect(unknownFields).toHaveLength(50);
    expect(unknownFields[0]).toHaveLength(100);
  });

  it("exists for any text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (body) => {
        expect(["recording", "invalid", "unsupported"]).toContain(outcomeOf(body));
      }),
    );
  });
});
