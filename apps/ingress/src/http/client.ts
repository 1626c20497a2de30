import { randomUUID } from "node:crypto";
import { isIP } from "node:net";
import type { Request } from "express";

const SAFE_REQUEST_ID = /^[\w.:-]{1,128}$/u;

/** The id that a proxy gave the request, if it is fit for logs, else a new one. */
export function requestIdOf(request: Request): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && SAFE_REQUEST_ID.test(given) ? given : randomUUID();
}

/**
 * The client's address: that of the connection, or what the trusted proxies (TRUST_PROXY) say it is. Express takes any
 * text out of X-Forwarded-For; what is no IP address is not believed.
 */
export function remoteAddressOf(request: Request): string | null {
  const claimed = request.ip;
  if (claimed !== undefined && isIP(claimed) !== 0) return claimed;
  return request.socket.remoteAddress ?? null;
}
