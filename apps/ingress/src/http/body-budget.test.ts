import fc from "fast-check";
import { expect, test } from "vitest";
import { BodyBudget } from "./body-budget.ts";

test("at the bound the body that began first and has not arrived gives way", () => {
  const budget = new BodyBudget(100);
  const gone: string[] = [];
  const begin = (name: string) => budget.begin(() => gone.push(name));
  const arrived = begin("arrived");
  const slow = begin("slow");
  const next = begin("next");
  arrived.grow(50);
  arrived.arrived();
  slow.grow(30);
  next.grow(20);
  expect([gone, budget.heldBytes]).toEqual([[], 100]);
  next.grow(10);
  expect([gone, budget.heldBytes]).toEqual([["slow"], 80]);
  // What was on its way to one that gave way is not counted.
  slow.grow(1000);
  expect(budget.heldBytes).toBe(80);
  next[Symbol.dispose]();
  arrived[Symbol.dispose]();
  slow[Symbol.dispose]();
  expect(budget.heldBytes).toBe(0);
});

test("where nothing but arrived bodies is held, the new one gives way itself", () => {
  const budget = new BodyBudget(100);
  const held = budget.begin(() => expect.unreachable("it has arrived"));
  held.grow(100);
  held.arrived();
  let gaveWay = 0;
  budget.begin(() => gaveWay++).grow(1);
  expect([gaveWay, budget.heldBytes]).toEqual([1, 100]);
});

test("whatever comes, the bound holds, and in the end nothing is held", () => {
  const step = fc.record({
    what: fc.constantFrom("begin", "grow", "arrive", "end"),
    which: fc.nat(20),
    bytes: fc.nat(60),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const budget = new BodyBudget(100);
      const bodies = [budget.begin(() => {})];
      for (const { what, which, bytes } of steps) {
        const body = bodies[which % bodies.length];
        if (what === "begin") bodies.push(budget.begin(() => {}));
        else if (what === "grow") body?.grow(bytes);
        else if (what === "arrive") body?.arrived();
        else body?.[Symbol.dispose]();
        expect(budget.heldBytes).toBeLessThanOrEqual(100);
      }
      for (const body of bodies) body[Symbol.dispose]();
      expect(budget.heldBytes).toBe(0);
    }),
  );
});
