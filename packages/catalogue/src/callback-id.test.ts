import fc from "fast-check";
import { expect, test } from "vitest";
import { callbackIdOf, digestOf, parseCallbackId } from "./callback-id.ts";

test("fast-check: a digest and its id are each other's", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const id = callbackIdOf(Buffer.from(bytes));
      expect(digestOf(id)).toEqual(Buffer.from(bytes));
    }),
  );
});

test("fast-check: any other text is no id", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `cb-${text}`),
      ),
      (text) => {
        expect(parseCallbackId(text)).toBeNull();
        expect(() => digestOf(text)).toThrow("not a callback id");
      },
    ),
  );
});
