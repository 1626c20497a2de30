import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const NAME = "reelgate_client";
const MAX_AGE_S = 30 * 86_400;

/**
 * Marks clients that had the right password, so that whoever shares their address cannot make them wait.
 *
 * The mark opens nothing: it is no password, but says whose wrong attempts are counted together. To let the right
 * password itself through while its address has to wait would be simpler, and would end the throttle: of any number of
 * guesses the right one would then be answered at once.
 */
export interface KnownClients {
  /** What the attempts of a client are counted under, by its `Cookie` header; null for one that is not known. */
  keyOf(cookies: string | undefined): string | null;
  /** The `Set-Cookie` header that makes a client known, until this process ends. */
  introduce(): string;
}

export function createKnownClients(): KnownClients {
  const key = randomBytes(32);
  const sealOf = (id: string): string => createHmac("sha256", key).update(id).digest("hex");
  const mark = new RegExp(`(?:^|; *)${NAME}=([0-9a-f]{32})\\.([0-9a-f]{64})(?:;|$)`, "u");
  return {
    keyOf(cookies) {
      const [, id, seal] = mark.exec(cookies ?? "") ?? [];
      if (id === undefined || seal === undefined) return null;
      return timingSafeEqual(Buffer.from(sealOf(id)), Buffer.from(seal)) ? `client ${id}` : null;
    },
    introduce() {
      const id = randomBytes(16).toString("hex");
      return `${NAME}=${id}.${sealOf(id)}; Path=/; Max-Age=${MAX_AGE_S}; HttpOnly; SameSite=Lax`;
    },
  };
}
