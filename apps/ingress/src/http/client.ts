import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import proxyAddr from "proxy-addr";

const SAFE_REQUEST_ID = /^[\w.:-]{1,128}$/u;

/** The id that a proxy gave the request, if it is fit for logs, else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && SAFE_REQUEST_ID.test(given) ? given : randomUUID();
}

/**
 * The client's address: that of the connection, or what so many trusted proxies (TRUST_PROXY) say it is. They may write
 * any text into X-Forwarded-For; what is no IP address is not believed.
 */
export function remoteAddressReader(
  trustProxyHops: number,
): (request: IncomingMessage) => string | null {
  const isTrusted = (_address: string, hop: number): boolean => hop < trustProxyHops;
  return (request) => {
    const claimed = trustProxyHops === 0 ? undefined : proxyAddr(request, isTrusted);
    if (claimed !== undefined && isIP(claimed) !== 0) return claimed;
    return request.socket.remoteAddress ?? null;
  };
}
