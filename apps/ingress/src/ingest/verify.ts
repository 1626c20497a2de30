import { hash, timingSafeEqual } from "node:crypto";

export type Verification =
  | { ok: true; keyIndex: number; expiresAtS: number }
  | { ok: false; reason: "missing_signature" | "bad_signature" };

/** Fifteen digits stay below 2^53 and reach millions of years past any real `t`. */
const DECIMAL_SECONDS = /^\d{1,15}$/u;
const LOWERCASE_MD5 = /^[0-9a-f]{32}$/u;

/**
 * Checks `sign` = MD5(key + decimal `t`) in lowercase hex, as the provider's specification defines it ("Common
 * callback parameters"), against every key.
 *
 * `t` is a JSON number or a decimal string, since both are seen; a string is hashed as it stands. A `t` that is no such
 * number, a `sign` that is no text, or either absent, is a missing signature; any other text in `sign` is a bad one.
 *
 * The time it takes depends on the number of keys alone: not on which key matched, nor on how much of `sign` was right.
 */
export function verifySignature(body: object, keys: readonly string[]): Verification {
  const t = decimalSeconds(ownValue(body, "t"));
  const sign = ownValue(body, "sign");
  if (t === null || typeof sign !== "string" || sign === "") {
    return { ok: false, reason: "missing_signature" };
  }
  if (!LOWERCASE_MD5.test(sign)) return { ok: false, reason: "bad_signature" };

  const given = Buffer.from(sign, "hex");
  let keyIndex = -1;
  for (const [index, key] of keys.entries()) {
    const matches = timingSafeEqual(hash("md5", key + t, "buffer"), given);
    if (matches && keyIndex === -1) keyIndex = index;
  }
  if (keyIndex === -1) return { ok: false, reason: "bad_signature" };
  return { ok: true, keyIndex, expiresAtS: Number(t) };
}

function decimalSeconds(t: unknown): string | null {
  const decimal = typeof t === "number" ? String(t) : t;
  return typeof decimal === "string" && DECIMAL_SECONDS.test(decimal) ? decimal : null;
}

/** Not the prototype's properties: the body's keys are the sender's choice. */
function ownValue(body: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(body, key)?.value;
}
