import { expect, it } from "vitest";
import { callbackId, signature } from "./sign.ts";

it("signs with the lowercase hex MD5 of key and t", () => {
  // printf 'key1545030873' | md5sum
  expect(signature("key", 1_545_030_873)).toBe("ef3317f901c24cf9661466706a0f1559");
  expect(signature("", 0)).toBe("cfcd208495d565ef66e7dff9f98764da");
});

it("names a callback after the SHA-256 of its bytes", () => {
  // printf abc | sha256sum
  expect(callbackId(Buffer.from("abc"))).toBe(
    "cb-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});
