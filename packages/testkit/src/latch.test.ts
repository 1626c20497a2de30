import { expect, test } from "vitest";
import { createLatch, until } from "./latch.ts";

test("a latch lets its waiters go on with the value it was opened with first", async () => {
  const latch = createLatch<number>();
  const waiting = Promise.all([latch.wait(), latch.wait()]);
  expect(latch.isOpen).toBe(false);
  latch.open(1);
  latch.open(2);
  expect(latch.isOpen).toBe(true);
  expect(await waiting).toEqual([1, 1]);
});

test("a latch that nobody opens rejects by its name", async () => {
  await expect(createLatch("the reply").wait(5)).rejects.toThrow(
    "the reply was not opened within 5 ms",
  );
});

test("until gives the first truthy value", async () => {
  let calls = 0;
  const value = await until(() => (++calls === 3 ? { calls } : null), { intervalMs: 1 });
  expect(value).toEqual({ calls: 3 });
});

test("until names what it waited for, with the condition's last error as the cause", async () => {
  const cause = new Error("not yet");
  const waiting = until(
    () => {
      throw cause;
    },
    { timeoutMs: 5, intervalMs: 1, what: "the row" },
  );
  await expect(waiting).rejects.toMatchObject({
    message: "the row did not come true within 5 ms",
    cause,
  });
});
