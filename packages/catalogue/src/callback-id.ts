/** A callback's id outside is `cb-` and 64 hex digits; inside it is the 32 bytes of the digest. */

const CALLBACK_ID = /^cb-([0-9a-f]{64})$/u;

/** @throws Error when `id` is not a callback id; callers parse ids from outside with {@link parseCallbackId}. */
export function digestOf(id: string): Buffer {
  const digest = parseCallbackId(id);
  if (digest === null) throw new Error("not a callback id");
  return digest;
}

export function parseCallbackId(id: string): Buffer | null {
  const match = CALLBACK_ID.exec(id);
  return match?.[1] === undefined ? null : Buffer.from(match[1], "hex");
}

export function callbackIdOf(digest: Buffer): string {
  return `cb-${digest.toString("hex")}`;
}
