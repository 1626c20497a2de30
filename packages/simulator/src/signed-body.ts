import { callbackId, signature } from "./sign.ts";
import type { BodyFields, PlannedCallback } from "./plan.ts";

/** How long the provider's signatures are good, in seconds (specification, "t"). */
const SIGNATURE_VALIDITY_S = 600;

/** One body as it goes over the wire. */
export interface SignedBody {
  bytes: Buffer;
  id: string;
  /** The signature in it, which nobody may show; null when there is none. */
  sign: string | null;
  /** Unix time in seconds; null when there is none. */
  tS: number | null;
}

/** Makes the bodies of a plan. Every call with the same callback gives the same bytes, until it is signed anew. */
export interface BodySigner {
  body(callback: PlannedCallback): SignedBody;
  /**
   * A new `t` and `sign`, and so another callback; a captured signature is captured anew. A callback that is not validly
   * signed stays as it is.
   */
  resign(callback: PlannedCallback): SignedBody;
}

interface Stamp {
  t: number | string | null;
  sign: string | number | null;
}

/** The specification's sample callback is printed with the quotes of `callback_ext` escaped twice. */
const escapeTwice = (text: string): string => text.replaceAll('\\"', '\\\\"');

function stampedText(fields: BodyFields, stamp: Stamp): string {
  const body: Record<string, unknown> = { ...fields };
  if (stamp.sign !== null) body.sign = stamp.sign;
  if (stamp.t !== null) body.t = stamp.t;
  return JSON.stringify(body);
}

/**
 * @param key the callback key that both sides know.
 * @param nowS Unix time in seconds.
 */
export function createBodySigner(
  callbacks: readonly PlannedCallback[],
  key: string,
  nowS: () => number,
): BodySigner {
  const stamps = new Map<number, Stamp>();

  const makeStamp = (callback: PlannedCallback): Stamp => {
    const { signing } = callback;
    const tS = Math.floor(nowS()) + SIGNATURE_VALIDITY_S;
    const sign = signature(key, tS);
    switch (signing.kind) {
      case "valid": {
        const t = tS + signing.offsetS;
        return { t: signing.tAsText ? String(t) : t, sign: signature(key, t) };
      }
      case "captured": {
        const from = callbacks[signing.from];
        if (from === undefined) {
          throw new RangeError(
            `callback ${callback.index} captures ${signing.from}, which is none`,
          );
        }
        return stampOf(from);
      }
      case "wrong_key":
        return { t: tS, sign: signature(signing.key, tS) };
      case "expired": {
        const t = Math.floor(nowS()) - signing.agoS;
        return { t, sign: signature(key, t) };
      }
      case "without_sign":
        return { t: tS, sign: null };
      case "without_t":
        return { t: null, sign };
      case "sign_of_wrong_type":
        return { t: tS, sign: 1 };
      case "none":
        return { t: null, sign: null };
      default: {
        const unknown: never = signing;
        throw new TypeError(`no such signing: ${JSON.stringify(unknown)}`);
      }
    }
  };

  const stampOf = (callback: PlannedCallback): Stamp => {
    const existing = stamps.get(callback.index);
    if (existing !== undefined) return existing;
    const made = makeStamp(callback);
    stamps.set(callback.index, made);
    return made;
  };

  const body = (callback: PlannedCallback): SignedBody => {
    const { content } = callback;
    if (content.kind === "raw") {
      const bytes = Buffer.from(content.bytes);
      return { bytes, id: callbackId(bytes), sign: null, tS: null };
    }
    const stamp = stampOf(callback);
    const text = stampedText(content.fields, stamp);
    const bytes = Buffer.from(content.escapedTwice ? escapeTwice(text) : text, "utf8");
    const sign = typeof stamp.sign === "string" ? stamp.sign : null;
    const tS = stamp.t === null ? null : Number(stamp.t);
    return { bytes, id: callbackId(bytes), sign, tS };
  };

  return {
    body,
    resign: (callback) => {
      const before = stamps.get(callback.index);
      if (callback.signing.kind === "captured") stamps.set(callback.index, makeStamp(callback));
      if (callback.signing.kind === "valid" && before !== undefined) {
        const made = makeStamp(callback);
        // Within one second the new `t` would be the old one, and the body no new one.
        const t = Math.max(Number(made.t), Number(before.t) + 1);
        const shown = callback.signing.tAsText ? String(t) : t;
        stamps.set(callback.index, { t: shown, sign: signature(key, t) });
      }
      return body(callback);
    },
  };
}
