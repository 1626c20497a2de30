import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadCredentials } from "./credentials.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reelgate-test-credentials-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("made up once, for the owner alone, and the same ever after", () => {
  const made = loadCredentials(folder);
  expect(made.callbackKey).toMatch(/^[\da-f]{32}$/u);
  expect(new Set(Object.values(made)).size).toBe(4);
  expect(loadCredentials(folder)).toEqual(made);
  expect(statSync(join(folder, "credentials.json")).mode & 0o777).toBe(0o600);
});

test("a damaged file is named, and not replaced", () => {
  const path = join(folder, "credentials.json");
  writeFileSync(path, '{"callbackKey": 1}');
  expect(() => loadCredentials(folder)).toThrow(
    `${path} is damaged. Restore it, or set another DATA_DIR.`,
  );
  expect(readFileSync(path, "utf8")).toBe('{"callbackKey": 1}');
});

test("a database without its credentials is not given new ones", () => {
  mkdirSync(join(folder, "postgres"));
  writeFileSync(join(folder, "postgres", "PG_VERSION"), "18\n");
  expect(() => loadCredentials(folder)).toThrow(/credentials\.json is missing/u);
});
