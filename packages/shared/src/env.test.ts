import { expect, test } from "vitest";
import {
  TRACING_ENV,
  boolean,
  choice,
  integerBetween,
  listOf,
  optional,
  readEnv,
  text,
  urlWithScheme,
} from "./env.ts";
import { AppError } from "./errors.ts";

const port = {
  parse: integerBetween(0, 65535),
  description: "The port.",
  example: "8080",
  default: "80",
};
const secret = {
  parse: urlWithScheme("redis"),
  description: "The server.",
  example: "redis://host",
  secret: true,
};

function problem(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof AppError && error.code === "config_invalid") return error.message;
    throw error;
  }
  throw new Error("nothing was wrong");
}

test("given values are parsed, and unset or empty ones take their default", () => {
  expect(readEnv({ PORT: port }, { PORT: "81" })).toEqual({ PORT: 81 });
  expect(readEnv({ PORT: port }, {})).toEqual({ PORT: 80 });
  expect(readEnv({ PORT: port }, { PORT: "" })).toEqual({ PORT: 80 });
});

test("a variable without default must be given", () => {
  expect(problem(() => readEnv({ URL: secret }, {}))).toContain(
    "URL is not set: The server. Example: URL=redis://host",
  );
});

test("every problem is told, by variable, with the value and an example", () => {
  const message = problem(() => readEnv({ A: port, B: port }, { A: "x", B: "70000" }));
  expect(message).toContain('A: "x" is not a whole number from 0 to 65535. Example: A=8080');
  expect(message).toContain('B: "70000" is not a whole number from 0 to 65535. Example: B=8080');
});

test("a secret value is never shown", () => {
  const message = problem(() => readEnv({ URL: secret }, { URL: "http://user:hunter2@host" }));
  expect(message).toContain("URL: its value must begin with redis://");
  expect(message).not.toContain("hunter2");
});

test("variables that nobody declared are not looked at", () => {
  expect(readEnv({ PORT: port }, { PORT: "81", OTHER: "x" })).toEqual({ PORT: 81 });
});

test.each(["", "1e3", "0x10", "12abc", " 5", "5 ", "1.0", "--5", "+5", "٣", "1_000", "NaN"])(
  "%o is no whole number",
  (value) => {
    expect(() => integerBetween(-10_000, 10_000)(value)).toThrow("whole number");
  },
);

test("bounds of a whole number belong to it", () => {
  expect([integerBetween(-2, 2)("-2"), integerBetween(-2, 2)("2")]).toEqual([-2, 2]);
  expect(() => integerBetween(-2, 2)("3")).toThrow("from -2 to 2");
});

test("a switch is true or false, and no other word", () => {
  expect(["true", "1", "false", "0"].map(boolean)).toEqual([true, true, false, false]);
  for (const value of ["", "yes", "TRUE", "on", "2"]) {
    expect(() => boolean(value)).toThrow("neither true nor false");
  }
});

test("a choice is one of its words", () => {
  expect(choice("a", "b")("b")).toBe("b");
  expect(() => choice("a", "b")("B")).toThrow("is none of a, b");
});

test("a list is trimmed, parsed item by item, and has no holes", () => {
  expect(listOf(integerBetween(0, 9))(" 1, 2 ,3")).toEqual([1, 2, 3]);
  expect(listOf(text)(" ")).toEqual([]);
  for (const value of [",", "a,", ",a", "a, ,b"]) {
    expect(() => listOf(text)(value)).toThrow("empty item");
  }
  expect(() => listOf(integerBetween(0, 9))("1,x")).toThrow("whole number");
});

test("a URL has one of the schemes that are asked for", () => {
  const redisUrl = urlWithScheme("redis", "rediss");
  expect(redisUrl("rediss://user:secret@[::1]:6380/0")).toBe("rediss://user:secret@[::1]:6380/0");
  expect(() => redisUrl("http://host")).toThrow("must begin with redis:// or rediss://");
  expect(() => redisUrl("host:6379")).toThrow("must begin with redis:// or rediss://");
  expect(() => redisUrl("")).toThrow("is not a URL");
});

test("an optional value that is not given is null", () => {
  expect(optional(integerBetween(0, 9))("")).toBeNull();
  expect(optional(integerBetween(0, 9))("7")).toBe(7);
});

test.each([
  "http://u:pw-hidden@collector:4318",
  "http://u@collector:4318",
  "https://:pw-hidden@collector",
])("the collector's URL holds no user or password: %s", (url) => {
  let message = "";
  try {
    readEnv(TRACING_ENV, { OTEL_EXPORTER_OTLP_ENDPOINT: url });
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toContain("must hold no user or password");
  expect(message).not.toContain("pw-hidden");
});
