import type { IncomingHttpHeaders } from "node:http";
import type { RequestHandler } from "express";
import { answerError } from "./error-answer.ts";

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Which header, if any, says that a request comes from a page of another origin.
 *
 * Browsers send the password along with a request that a foreign page makes, so it proves nothing about who asked. What
 * does: `Sec-Fetch-Site`, `Origin` (on every request that can change something) and `Referer`, none of which a page can
 * forge. A client that sends none of them is no browser, and then nobody but its owner knows the password.
 *
 * Hosts are compared, not schemes: behind a proxy that ends TLS this process cannot know the scheme.
 *
 * There is no list of allowed hosts against DNS rebinding. A page whose name is made to lead here has an origin of its
 * own, for which the browser has no password to send; and a list would have to name every proxy's host.
 */
export function foreignOriginHeader(headers: IncomingHttpHeaders): string | null {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") return "Sec-Fetch-Site";
  if (headers.origin !== undefined) {
    return isOwnHost(headers.origin, headers.host) ? null : "Origin";
  }
  if (headers.referer !== undefined && !isOwnHost(headers.referer, headers.host)) return "Referer";
  return null;
}

function isOwnHost(from: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(from)) return false;
  const url = new URL(from);
  if (url.protocol !== "http:" && url.protocol !== "https:") return false;
  // Parsed with the origin's scheme, so that a default port is left out on both sides.
  const own = `${url.protocol}//${host}`;
  return URL.canParse(own) && new URL(own).host === url.host;
}

/** Refuses every request that could change something and comes from a page of another origin. */
export function sameOriginGate(): RequestHandler {
  return (request, response, next) => {
    const header = SAFE_METHODS.has(request.method) ? null : foreignOriginHeader(request.headers);
    if (header === null) {
      next();
      return;
    }
    answerError(
      response,
      "cross_origin",
      `${header} names another origin than the Host header. A proxy in front of the dashboard has to pass Host unchanged.`,
    );
  };
}
