import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openLogFile } from "./log-file.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reelgate-test-log-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("lines are appended, also after it was opened again", () => {
  const path = join(folder, "logs", "app.log");
  {
    using file = openLogFile(path);
    file.write("one");
  }
  using again = openLogFile(path);
  again.write("two");
  expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
});

test("a file that has grown large is moved aside, and only one such is kept", () => {
  const path = join(folder, "app.log");
  using file = openLogFile(path, 8);
  for (const word of ["12345678", "second", "third", "fourth"]) file.write(word);
  expect(readFileSync(`${path}.1`, "utf8")).toBe("second\nthird\n");
  expect(readFileSync(path, "utf8")).toBe("fourth\n");
});

test("the last words of a child after the end are dropped", () => {
  const path = join(folder, "app.log");
  const file = openLogFile(path);
  file[Symbol.dispose]();
  file.write("late");
  expect(readFileSync(path, "utf8")).toBe("");
});
