import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockDataDir } from "./data-dir-lock.ts";
import { processIdentity } from "./process-identity.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reelgate-test-lock-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const lockFile = (): string => join(folder, "launcher.lock");

test("a locked folder cannot be locked again until it is released", () => {
  const lock = lockDataDir(folder);
  expect(() => lockDataDir(folder)).toThrow(
    `Another npm start (process ${process.pid}) is using ${folder}. Stop it, or set another DATA_DIR.`,
  );
  lock.release();
  lockDataDir(folder).release();
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  ["of a process that is gone", { pid: 2 ** 22 + 1, identity: "gone" }],
  ["of another process that has its pid by now", { pid: process.pid, identity: "an earlier one" }],
])("the lock %s is taken over", (_case, owner) => {
  writeFileSync(lockFile(), JSON.stringify(owner));
  const lock = lockDataDir(folder);
  expect(readdirSync(folder)).toEqual(["launcher.lock"]);
  lock.release();
});

test("a lock that a crash cut off is taken over", () => {
  writeFileSync(lockFile(), '{"pid":');
  lockDataDir(folder).release();
  expect(existsSync(lockFile())).toBe(false);
});

test("a process keeps its identity, and a dead one has none", () => {
  expect(processIdentity(process.pid)).toBe(processIdentity(process.pid));
  expect(processIdentity(process.pid)).not.toBe(processIdentity(process.ppid));
  expect(processIdentity(2 ** 22 + 1)).toBeNull();
});
