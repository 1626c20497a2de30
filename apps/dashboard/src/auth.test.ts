import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createCredentialCheck } from "./auth.ts";

const check = createCredentialCheck({ user: "admin", password: "pässword:with colon" });
const header = (pair: string, scheme = "Basic"): string =>
  `${scheme} ${Buffer.from(pair).toString("base64")}`;

describe("the credential check", () => {
  test.each([header("admin:pässword:with colon"), header("admin:pässword:with colon", "basic")])(
    "%s is right",
    (value) => {
      expect(check(value)).toBe("right");
    },
  );

  test("no header is no attempt", () => {
    expect(check(undefined)).toBe("absent");
  });

  test.each([
    "",
    "Basic",
    "Basic ",
    "Basic !!!!",
    `Bearer ${Buffer.from("admin:pässword:with colon").toString("base64")}`,
    header("admin"),
    header("admin:"),
    header(":pässword:with colon"),
    header("admin:pässword"),
    header("Admin:pässword:with colon"),
    header("admin:pässword:with colon "),
    header("admin:pässword:with colon\0"),
    `${header("admin:pässword:with colon")}, ${header("a:b")}`,
    header(`admin:${"x".repeat(5000)}`),
  ])("%s is wrong", (value) => {
    expect(check(value)).toBe("wrong");
  });

  test("no other text is ever right", () => {
    const anyHeader = fc.oneof(
      fc.string(),
      fc.string().map((pair) => header(pair)),
      fc.tuple(fc.string(), fc.string()).map((pair) => header(pair.join(":"))),
    );
    fc.assert(
      fc.property(anyHeader, (value) => {
        expect(check(value)).toBe("wrong");
      }),
    );
  });
});
