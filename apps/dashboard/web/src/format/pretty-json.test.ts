import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { prettyJson } from "./pretty-json.ts";

describe("JSON on lines", () => {
  test("keeps numbers that JavaScript cannot hold, escapes and repeated names", () => {
    const text = String.raw`{"id":9007199254740993001,"a":[],"b":{"c":"\"{,}:\\"},"b":[1,2.50]}`;
    expect(prettyJson(text)).toBe(
      [
        "{",
        '  "id": 9007199254740993001,',
        '  "a": [],',
        '  "b": {',
        String.raw`    "c": "\"{,}:\\"`,
        "  },",
        '  "b": [',
        "    1,",
        "    2.50",
        "  ]",
        "}",
      ].join("\n"),
    );
  });

  test("is null for what is no JSON", () => {
    expect(prettyJson("{")).toBeNull();
    expect(prettyJson("")).toBeNull();
    expect(prettyJson("<b>")).toBeNull();
  });

  test("means the same, and looks as JSON.stringify writes it", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 1, 3), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(prettyJson(text)).toBe(JSON.stringify(value, null, 2));
      }),
    );
  });
});
