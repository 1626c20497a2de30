import { createHash } from "node:crypto";

/**
 * The provider's signature: lowercase hex MD5 of key + decimal `t` (specification, "sign"). Written from the
 * specification alone: this package judges the ingress and must not share its code.
 */
export function signature(key: string, tS: number): string {
  return createHash("md5").update(`${key}${tS}`, "utf8").digest("hex");
}

/** The id under which the catalogue keeps a body: `cb-` and the SHA-256 of its bytes in hex. */
export function callbackId(body: Uint8Array): string {
  return `cb-${createHash("sha256").update(body).digest("hex")}`;
}
