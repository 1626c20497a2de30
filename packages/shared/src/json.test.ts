import { cpuTimeMs } from "@reelgate/testkit/cpu-time";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_JSON_DEPTH, parseJsonExact, parseStrictJson } from "./json.ts";

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

test.each([
  ["an object", '{"a":1,"b":[{"c":null}]}', { a: 1, b: [{ c: null }] }],
  ["a scalar", " 5 ", 5],
  ["the same key in two objects", '{"a":{"x":1},"b":{"x":2}}', { a: { x: 1 }, b: { x: 2 } }],
  ["a nested key that stands twice", '{"a":{"x":1,"x":2}}', { a: { x: 2 } }],
  ["a value like an earlier key", '{"a":"b","b":"a"}', { a: "b", b: "a" }],
  ["structure inside strings", '{"a":"{\\"a\\":1,[[","b":"\\\\"}', { a: '{"a":1,[[', b: "\\" }],
  ["keys that differ in case", '{"a":1,"A":2}', { a: 1, A: 2 }],
])("%s is read", (_what, text, value) => {
  expect(parseStrictJson(text)).toEqual({ ok: true, value });
});

test.each([
  ["nothing", ""],
  ["an open object", '{"a":1'],
  ["a trailing comma", '{"a":1,}'],
  ["single quotes", "{'a':1}"],
  ["something behind it", "{} {}"],
  ["a raw line break in a string", '{"a":"\n"}'],
  ["a lone backslash", '{"a":"\\x"}'],
])("%s is no JSON", (_what, text) => {
  expect(parseStrictJson(text)).toEqual({ ok: false, problem: "not well-formed JSON" });
  expect(() => parseJsonExact(text)).toThrow(SyntaxError);
});

test.each([
  ["plain", '{"a":1,"a":2}'],
  ["with blanks before the colon", '{"a" \n\t\r:1,"a":2}'],
  ["written with an escape", '{"a":1,"\\u0061":2}'],
  ["far apart", `{"a":1,"b":${nested(10)},"a":2}`],
])("a top-level key that stands twice is refused: %s", (_what, text) => {
  expect(parseStrictJson(text)).toEqual({ ok: false, problem: "a top-level key stands twice" });
});

test.each(['{"__proto__":1}', '{"a":[{"__proto__":{}}]}', '{"\\u005f_proto__":1}'])(
  "a key named __proto__ is refused: %s",
  (text) => {
    expect(parseStrictJson(text)).toEqual({ ok: false, problem: "a key named __proto__" });
  },
);

test("a value named __proto__ is none of a key's business", () => {
  expect(parseStrictJson('{"a":"__proto__"}')).toEqual({ ok: true, value: { a: "__proto__" } });
});

test("nesting is bounded, in both readers", () => {
  expect(parseStrictJson(nested(MAX_JSON_DEPTH)).ok).toBe(true);
  expect(parseStrictJson(nested(MAX_JSON_DEPTH + 1)).ok).toBe(false);
  expect(parseJsonExact(nested(MAX_JSON_DEPTH))).toBeInstanceOf(Array);
  expect(() => parseJsonExact(nested(MAX_JSON_DEPTH + 1))).toThrow(RangeError);
  expect(() => parseJsonExact(nested(500_000))).toThrow(RangeError);
});

// The specification prints its sample callback like this.
const DOUBLE_ESCAPED = '{"event_type":100,"callback_ext":"{\\\\"video_codec\\\\":\\\\"h264\\\\"}"}';

test("quotes that are escaped twice are read as the specification means them", () => {
  const value = { event_type: 100, callback_ext: '{"video_codec":"h264"}' };
  expect(parseStrictJson(DOUBLE_ESCAPED)).toEqual({ ok: true, value });
  expect(parseJsonExact(DOUBLE_ESCAPED)).toEqual(value);
});

test("text that can be read as it stands is never read otherwise", () => {
  const text = '{"a":"\\\\"}';
  expect(parseStrictJson(text)).toEqual({ ok: true, value: { a: "\\" } });
});

test("the other reading is held to the same rules", () => {
  expect(parseStrictJson('{"a":"{\\\\"b\\\\":1}","a":2}')).toMatchObject({ ok: false });
});

test("whole numbers that a double cannot hold keep all their digits", () => {
  expect(parseJsonExact('{"file_id":5285890784123456789,"n":[-9007199254740993],"s":"1"}')).toEqual(
    { file_id: "5285890784123456789", n: ["-9007199254740993"], s: "1" },
  );
  expect(parseJsonExact("[9007199254740991,1.5,1e3,1e400,0.1]")).toEqual([
    9007199254740991,
    1.5,
    1000,
    Infinity,
    0.1,
  ]);
});

test.each([
  ["9007199254740993", "9007199254740993"],
  [" -9007199254740993 ", "-9007199254740993"],
  ["[9007199254740993]", ["9007199254740993"]],
  ["[1,\n9007199254740993]", [1, "9007199254740993"]],
  ['{"a":9007199254740993}', { a: "9007199254740993" }],
  ['{"a":-9007199254740993}', { a: "-9007199254740993" }],
  ['{"a":\t9007199254740991}', { a: Number.MAX_SAFE_INTEGER }],
  ['{"a":"9007199254740993"}', { a: "9007199254740993" }],
])("wherever such a number stands: %j", (text, value) => {
  expect(parseJsonExact(text)).toEqual(value);
});

test("many brackets that close again are no depth", () => {
  const flat = `[${Array.from({ length: 500 }, () => "[]").join()}]`;
  expect(parseJsonExact(flat)).toHaveLength(500);
});

test("property: what JSON.stringify writes is read back", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!text.includes("__proto__"));
      expect(parseStrictJson(text)).toEqual({ ok: true, value: JSON.parse(text) });
    }),
  );
});

test("property: a repeated key is found wherever it stands, whatever is around it", () => {
  const key = fc.string().filter((name) => name !== "__proto__");
  fc.assert(
    fc.property(key, fc.dictionary(key, fc.jsonValue()), (twice, fields) => {
      delete fields[twice];
      const entries = Object.entries(fields).map(
        ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
      );
      const member = `${JSON.stringify(twice)}:1`;
      const text = `{${[member, ...entries, member].join(",")}}`;
      fc.pre(!text.includes("__proto__"));
      expect(parseStrictJson(text)).toEqual({ ok: false, problem: "a top-level key stands twice" });
    }),
  );
});

test("property: any text gives a value or a problem", () => {
  const jsonLike = fc.string({
    unit: fc.constantFrom("{", "}", "[", "]", '"', "\\", ":", ",", "a", "1", " ", "u", "0"),
    maxLength: 60,
  });
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), jsonLike), (text) => {
      const strict = parseStrictJson(text);
      expect(strict.ok ? "value" in strict : strict.problem.length > 0).toBe(true);
      if (!strict.ok) return;
      expect(() => parseJsonExact(text)).not.toThrow();
    }),
    { numRuns: 2000 },
  );
});

test("hostile text costs linear time", () => {
  const startedAtMs = cpuTimeMs();
  const size = 1_000_000;
  for (const text of [
    '"'.repeat(size),
    "\\".repeat(size),
    '\\\\"'.repeat(size / 3),
    "[".repeat(size),
    `{${'"a":'.repeat(size / 4)}`,
    `["${'" '.repeat(size / 2)}`,
    `[${`"a"${" ".repeat(1000)},`.repeat(size / 1000)}1]`,
  ]) {
    parseStrictJson(text);
  }
  expect(cpuTimeMs() - startedAtMs).toBeLessThan(5000);
});
