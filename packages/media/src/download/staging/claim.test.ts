import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Claim, takeClaim } from "./claim.ts";

let folder: string;
const held: Claim[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reelgate-claim-"));
});

afterEach(async () => {
  await Promise.all(held.splice(0).map((claim) => claim.release()));
  await rm(folder, { recursive: true });
});

async function take(): Promise<Claim> {
  const claim = await takeClaim(folder, { renewMs: 20, staleMs: 60_000 });
  held.push(claim);
  return claim;
}

async function age(seconds: number): Promise<void> {
  const then = new Date(Date.now() - seconds * 1000);
  await utimes(join(folder, "claim"), then, then);
}

test("a claim is taken once, and again when it was released", async () => {
  const first = await take();
  await expect(take()).rejects.toMatchObject({ code: "storage_claimed", retryable: true });
  await first.assertOwned();
  await first.release();
  expect(await readdir(folder)).toEqual([]);
  const second = await take();
  expect(second.token).not.toBe(first.token);
  expect(second.deadToken).toBeNull();
});

test("of many at once one wins", async () => {
  const results = await Promise.allSettled(Array.from({ length: 20 }, take));
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await readdir(folder)).toEqual(["claim"]);
});

test("the wait for a claim that may be stale is told", async () => {
  await writeFile(join(folder, "claim"), JSON.stringify({ token: "x", owner: null }));
  await age(20);
  const error = await take().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "storage_claimed" });
  const { retryAfterMs } = error as { retryAfterMs: number };
  expect(retryAfterMs).toBeGreaterThan(30_000);
  expect(retryAfterMs).toBeLessThanOrEqual(40_000);
});

test.each(["", "{", "null", '{"token":"x"}'])(
  "a claim of %j that nobody renews is taken over",
  async (text) => {
    await writeFile(join(folder, "claim"), text);
    await expect(take()).rejects.toMatchObject({ code: "storage_claimed" });
    await age(61);
    expect((await take()).deadToken).toBeNull();
  },
);

test("an owner that was taken over notices, and does not release what is not its own", async () => {
  const old = await takeClaim(folder, { renewMs: 20, staleMs: 60_000 });
  await age(61);
  // Its own renewal may come first: then the claim is fresh again.
  const young = await take().catch(() => null);
  const successor = young ?? (await takeClaim(folder, { renewMs: 20, staleMs: 0 }));
  held.push(successor);
  if (!old.signal.aborted) {
    await once(old.signal, "abort");
  }
  await expect(old.assertOwned()).rejects.toMatchObject({ code: "storage_claimed" });
  await old.release();
  await successor.assertOwned();
});

test("a claim is renewed as long as it is held", async () => {
  const claim = await take();
  await age(50);
  await expect
    .poll(async () => Date.now() - (await stat(join(folder, "claim"))).mtimeMs)
    .toBeLessThan(30_000);
  await claim.assertOwned();
});

test("the claim of a process that was killed is taken over at once", async () => {
  const module = JSON.stringify(join(import.meta.dirname, "claim.ts"));
  const child = spawn(
    process.execPath,
    [
      "--conditions=source",
      "--input-type=module",
      "--eval",
      `const { takeClaim } = await import(${module});
       const claim = await takeClaim(${JSON.stringify(folder)});
       process.stdout.write(claim.token);`,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const [token] = (await once(child.stdout, "data")) as [Buffer];
  await expect(take()).rejects.toMatchObject({ code: "storage_claimed" });
  child.kill("SIGKILL");
  await once(child, "exit");
  expect((await take()).deadToken).toBe(String(token));
});
