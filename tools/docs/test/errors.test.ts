import { readFileSync } from "node:fs";
import { ERRORS } from "@reelgate/shared/errors";
import { expect, it } from "vitest";

/** The page adds advice, which no code can know; all else of its table must be the registry, row for row. */
it("docs/errors.md lists the registry, no more and no less", () => {
  const page = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
  const rows = page
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  const listed = rows.map(([, code, status, retryable, message]) => ({
    code,
    status,
    retryable,
    message,
  }));
  const registered = Object.entries(ERRORS).map(([code, definition]) => ({
    code: `\`${code}\``,
    status: definition.status === null ? "–" : String(definition.status),
    retryable: definition.retryable ? "yes" : "no",
    message: definition.message,
  }));
  expect(listed).toEqual(registered);
  expect(rows.filter(([, , , , , advice]) => advice === undefined || advice.length < 10)).toEqual(
    [],
  );
});
