import { createHash } from "node:crypto";

/** The address by which journals know a file again: without its query, which may hold a secret. */
export function journalUrl(url: URL): string {
  return url.origin + url.pathname;
}

/**
 * Of the whole address. Under another query there may be the same file, signed anew, or another one: only a validator of
 * the origin tells.
 */
export function addressHash(url: URL): string {
  return createHash("sha256").update(url.href).digest("hex");
}
