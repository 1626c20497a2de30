import { describe, expect, it } from "vitest";
import type { PlannedCallback, Signing } from "./plan.ts";
import { signature } from "./sign.ts";
import { createBodySigner } from "./signed-body.ts";

const KEY = "secret";
const NOW_S = 1_767_225_600;

function callbackWith(signing: Signing, index = 0, escapedTwice = false): PlannedCallback {
  return {
    index,
    label: "",
    content: {
      kind: "fields",
      fields: { event_type: 100, callback_ext: '{"a":"b"}', file_size: index },
      escapedTwice,
    },
    signing,
    expect: { kind: "unsupported", eventType: "1" },
    secrets: [],
  };
}

function read(signing: Signing): Record<string, unknown> {
  const callback = callbackWith(signing);
  const { bytes } = createBodySigner([callback], KEY, () => NOW_S + 0.9).body(callback);
  return JSON.parse(bytes.toString("utf8")) as Record<string, unknown>;
}

describe("a signed body", () => {
  it("has t ten minutes from now and the sign of key and t", () => {
    const t = NOW_S + 600;
    const body = read({ kind: "valid", offsetS: 0, tAsText: false });
    expect(body).toMatchObject({ event_type: 100, t, sign: signature(KEY, t) });
    const text = read({ kind: "valid", offsetS: 3, tAsText: true });
    expect(text).toMatchObject({ t: String(t + 3), sign: signature(KEY, t + 3) });
  });

  it("lacks or spoils what it is told to", () => {
    expect(read({ kind: "without_sign" })).not.toHaveProperty("sign");
    expect(read({ kind: "without_t" })).not.toHaveProperty("t");
    expect(read({ kind: "none" })).not.toHaveProperty("t");
    expect(read({ kind: "sign_of_wrong_type" }).sign).toBe(1);
    expect(read({ kind: "wrong_key", key: "other" }).sign).toBe(signature("other", NOW_S + 600));
    const t = NOW_S - 60;
    expect(read({ kind: "expired", agoS: 60 })).toMatchObject({ t, sign: signature(KEY, t) });
  });

  it("stays the same until it is signed anew", () => {
    let nowS = NOW_S;
    const callback = callbackWith({ kind: "valid", offsetS: 0, tAsText: false });
    const signer = createBodySigner([callback], KEY, () => nowS);
    const first = signer.body(callback);
    nowS += 5;
    expect(signer.body(callback)).toEqual(first);
    nowS = NOW_S;
    const anew = signer.resign(callback);
    expect(anew.id).not.toBe(first.id);
    expect(signer.body(callback)).toEqual(anew);
  });

  it("reuses a captured t and sign, whichever is sent first", () => {
    const original = callbackWith({ kind: "valid", offsetS: 0, tAsText: false }, 0);
    const altered = callbackWith({ kind: "captured", from: 0 }, 1);
    const signer = createBodySigner([original, altered], KEY, () => NOW_S);
    const [second, first] = [signer.body(altered), signer.body(original)];
    expect(second.sign).toBe(first.sign);
    expect(second.id).not.toBe(first.id);
  });

  it("captures anew what was signed anew", () => {
    const original = callbackWith({ kind: "valid", offsetS: 0, tAsText: false }, 0);
    const altered = callbackWith({ kind: "captured", from: 0 }, 1);
    const signer = createBodySigner([original, altered], KEY, () => NOW_S);
    const before = signer.body(altered);
    expect(signer.resign(altered)).toEqual(before);
    const { sign, tS } = signer.resign(original);
    expect(signer.body(altered)).toEqual(before);
    expect(signer.resign(altered)).toMatchObject({ sign, tS });
  });

  it("writes quotes inside strings as the specification's sample has them, when told", () => {
    const callback = callbackWith({ kind: "valid", offsetS: 0, tAsText: false }, 0, true);
    const text = createBodySigner([callback], KEY, () => NOW_S)
      .body(callback)
      .bytes.toString("utf8");
    expect(text).toContain('"callback_ext":"{\\\\"a\\\\":\\\\"b\\\\"}"');
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
  });
});
