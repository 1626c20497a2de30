import { expect, test } from "vitest";
import { verifySignature } from "./verify.ts";

// MD5("testKey" + "1545030873") and so on, by md5sum of coreutils.
const T = 1545030873;
const BY_TEST_KEY = "bdfc45afc7098b1d5484359a674615a7";
const BY_OTHER_KEY = "7514f63b09a0687a827554665bf485a7";
const BY_TEST_KEY_PADDED = "d9c3dc1bb46a157e5e5bb45855c2e57b";

const KEYS = ["testKey", "otherKey"];

test("a signature of any configured key is accepted and the key's index told", () => {
  expect(verifySignature({ t: T, sign: BY_TEST_KEY }, KEYS)).toEqual({
    ok: true,
    keyIndex: 0,
    expiresAtS: T,
  });
  expect(verifySignature({ t: T, sign: BY_OTHER_KEY }, KEYS)).toEqual({
    ok: true,
    keyIndex: 1,
    expiresAtS: T,
  });
});

test("a key that is configured twice counts where it stands first", () => {
  expect(verifySignature({ t: T, sign: BY_TEST_KEY }, ["testKey", "testKey"])).toMatchObject({
    keyIndex: 0,
  });
});

test("`t` may be a decimal string, and is hashed as it stands", () => {
  expect(verifySignature({ t: String(T), sign: BY_TEST_KEY }, KEYS)).toMatchObject({ ok: true });
  expect(verifySignature({ t: `000${T}`, sign: BY_TEST_KEY }, KEYS)).toMatchObject({ ok: false });
  expect(verifySignature({ t: `000${T}`, sign: BY_TEST_KEY_PADDED }, KEYS)).toMatchObject({
    ok: true,
    expiresAtS: T,
  });
});

test.each([
  ["no t", { sign: BY_TEST_KEY }],
  ["no sign", { t: T }],
  ["an empty sign", { t: T, sign: "" }],
  ["a null sign", { t: T, sign: null }],
  ["a number as sign", { t: T, sign: 5 }],
  ["an array as sign", { t: T, sign: [BY_TEST_KEY] }],
  ["an object as t", { t: {}, sign: BY_TEST_KEY }],
  ["true as t", { t: true, sign: BY_TEST_KEY }],
  ["a negative t", { t: -T, sign: BY_TEST_KEY }],
  ["a fraction as t", { t: T + 0.5, sign: BY_TEST_KEY }],
  ["a t beyond exact numbers", { t: 1e21, sign: BY_TEST_KEY }],
  ["a t of very many digits", { t: "9".repeat(1000), sign: BY_TEST_KEY }],
  ["a hexadecimal t", { t: "0x5c17", sign: BY_TEST_KEY }],
  ["blanks around t", { t: ` ${T}`, sign: BY_TEST_KEY }],
  ["a line break after t", { t: `${T}\n`, sign: BY_TEST_KEY }],
  ["full-width digits", { t: "１２３", sign: BY_TEST_KEY }],
  ["inherited properties", Object.create({ t: T, sign: BY_TEST_KEY }) as object],
])("%s is a missing signature", (_what, body) => {
  expect(verifySignature(body, KEYS)).toEqual({ ok: false, reason: "missing_signature" });
});

test.each([
  ["another t", { t: T + 1, sign: BY_TEST_KEY }],
  ["upper case", { t: T, sign: BY_TEST_KEY.toUpperCase() }],
  ["one digit short", { t: T, sign: BY_TEST_KEY.slice(1) }],
  ["one digit more", { t: T, sign: `${BY_TEST_KEY}0` }],
  ["a line break after it", { t: T, sign: `${BY_TEST_KEY}\n` }],
  ["no hex", { t: T, sign: "z".repeat(32) }],
  ["the masked one of the specification", { t: T, sign: "ca3e25e**********09a9ae7281e300d" }],
  ["a flipped last digit", { t: T, sign: flipLast(BY_TEST_KEY) }],
])("%s is a bad signature", (_what, body) => {
  expect(verifySignature(body, KEYS)).toEqual({ ok: false, reason: "bad_signature" });
});

test("every key is tried, whichever matches", () => {
  const tried: string[] = [];
  const keys = KEYS.map(
    (key) =>
      ({
        toString: () => {
          tried.push(key);
          return key;
        },
      }) as unknown as string,
  );
  expect(verifySignature({ t: T, sign: BY_TEST_KEY }, keys)).toMatchObject({ keyIndex: 0 });
  expect(tried).toEqual(KEYS);
});

function flipLast(hex: string): string {
  return hex.slice(0, -1) + (hex.endsWith("0") ? "1" : "0");
}
