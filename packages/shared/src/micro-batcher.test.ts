import fc from "fast-check";
import { expect, test } from "vitest";
import { MicroBatcher } from "./micro-batcher.ts";

/** A batch under way, which the test ends. */
interface Batch {
  items: readonly number[];
  end: () => void;
  fail: (error: Error) => void;
}

function batching(options: {
  maxSize: number;
  maxInFlight: number;
  isolates?: (error: unknown) => boolean;
}): { batcher: MicroBatcher<number, string>; batches: Batch[]; sizes: number[] } {
  const batches: Batch[] = [];
  const sizes: number[] = [];
  const batcher = new MicroBatcher<number, string>({
    isolates: () => false,
    ...options,
    onBatch: (size) => sizes.push(size),
    run: (items) => {
      const { promise, resolve, reject } = Promise.withResolvers<string[]>();
      batches.push({ items, end: () => resolve(items.map((item) => `of ${item}`)), fail: reject });
      return promise;
    },
  });
  return { batcher, batches, sizes };
}

const nextPhase = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("what comes in one turn leaves together, and everyone gets the result of its own item", async () => {
  const { batcher, batches, sizes } = batching({ maxSize: 10, maxInFlight: 1 });
  const results = [1, 2, 3].map((item) => batcher.submit(item));
  expect(batches).toEqual([]);
  expect(batcher.waiting).toBe(3);
  await nextPhase();
  expect(batches.map(({ items }) => items)).toEqual([[1, 2, 3]]);
  expect(batcher.waiting).toBe(0);
  batches[0]?.end();
  expect(await Promise.all(results)).toEqual(["of 1", "of 2", "of 3"]);
  expect(sizes).toEqual([3]);
});

test("no batch is larger than allowed, and no more are under way", async () => {
  const { batcher, batches } = batching({ maxSize: 2, maxInFlight: 2 });
  const results = [1, 2, 3, 4, 5, 6, 7].map((item) => batcher.submit(item));
  await nextPhase();
  expect(batches.map(({ items }) => items)).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(batcher.waiting).toBe(3);
  // What comes while all are under way goes with those that wait already.
  results.push(batcher.submit(8));
  batches[1]?.end();
  await results[3];
  await nextPhase();
  expect(batches.map(({ items }) => items).slice(2)).toEqual([[5, 6]]);
  for (let index = 0; index < 4; index++) {
    batches[index]?.end();
    await nextPhase();
  }
  expect(await Promise.all(results)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((item) => `of ${item}`));
});

test("a batch ends before it is too heavy, and what is too heavy by itself goes alone", async () => {
  const sizes: number[][] = [];
  const batcher = new MicroBatcher<number, number>({
    maxSize: 3,
    maxInFlight: 1,
    weight: { of: (item) => item, max: 10 },
    isolates: () => false,
    run: async (items) => {
      sizes.push([...items]);
      return items;
    },
  });
  const items = [4, 6, 1, 25, 1, 1, 1, 1];
  expect(await Promise.all(items.map((item) => batcher.submit(item)))).toEqual(items);
  expect(sizes).toEqual([[4, 6], [1], [25], [1, 1, 1], [1]]);
});

test("an error that may be one item's fails that item alone", async () => {
  const tried: (readonly number[])[] = [];
  const batcher = new MicroBatcher<number, number>({
    maxSize: 10,
    maxInFlight: 1,
    isolates: () => true,
    run: async (items) => {
      tried.push(items);
      if (items.includes(2)) throw new Error("poison");
      return items;
    },
  });
  expect(await Promise.allSettled([1, 2, 3].map((item) => batcher.submit(item)))).toEqual([
    { status: "fulfilled", value: 1 },
    { status: "rejected", reason: new Error("poison") },
    { status: "fulfilled", value: 3 },
  ]);
  expect(tried).toEqual([[1, 2, 3], [1], [2], [3]]);
});

test("an error that is everyone's ends everyone at once", async () => {
  const { batcher, batches } = batching({ maxSize: 10, maxInFlight: 1 });
  const results = [1, 2, 3].map((item) => batcher.submit(item));
  const settled = Promise.allSettled(results);
  await nextPhase();
  batches[0]?.fail(new Error("away"));
  expect((await settled).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(batches).toHaveLength(1);
});

test("what is withdrawn before its turn is in no batch, and what is under way stays", async () => {
  const { batcher, batches } = batching({ maxSize: 2, maxInFlight: 1 });
  const [one, two, , four, five] = [1, 2, 3, 4, 5].map((item) => batcher.submit(item));
  await nextPhase();
  batcher.withdraw(1);
  batcher.withdraw(3);
  batcher.withdraw(6);
  expect(batcher.waiting).toBe(2);
  batches[0]?.end();
  await nextPhase();
  batches[1]?.end();
  expect([await one, await two, await four, await five]).toEqual(
    [1, 2, 4, 5].map((item) => `of ${item}`),
  );
  expect(batches.map(({ items }) => items)).toEqual([
    [1, 2],
    [4, 5],
  ]);
});

test("results that are not one for each item are an error, never someone else's result", async () => {
  const batcher = new MicroBatcher<number, number>({
    maxSize: 10,
    maxInFlight: 1,
    isolates: () => false,
    run: async (items) => items.slice(1),
  });
  await expect(Promise.all([batcher.submit(1), batcher.submit(2)])).rejects.toThrow(
    "a batch of 2 items has 1 results",
  );
});

test("whatever comes when, everyone is settled once, in order, within the bounds", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.array(fc.boolean(), { maxLength: 12 }), { maxLength: 8 }),
      async (maxSize, maxInFlight, turns) => {
        let underWay = 0;
        const begun: number[] = [];
        const batcher = new MicroBatcher<{ id: number; fails: boolean }, number>({
          maxSize,
          maxInFlight,
          isolates: () => true,
          run: async (items) => {
            underWay++;
            expect(underWay).toBeLessThanOrEqual(maxInFlight);
            expect(items.length).toBeLessThanOrEqual(maxSize);
            for (const { id } of items) if (!begun.includes(id)) begun.push(id);
            await nextPhase();
            underWay--;
            if (items.some(({ fails }) => fails)) throw new Error("poison");
            return items.map(({ id }) => id);
          },
        });
        let id = 0;
        const ends: Promise<unknown>[] = [];
        for (const turn of turns) {
          for (const fails of turn) {
            const own = id++;
            ends.push(
              batcher.submit({ id: own, fails }).then(
                (result) => expect([fails, result]).toEqual([false, own]),
                () => expect(fails).toBe(true),
              ),
            );
          }
          await nextPhase();
        }
        await Promise.all(ends);
        expect(begun).toEqual([...Array(id).keys()]);
        expect(batcher.waiting).toBe(0);
      },
    ),
  );
});
