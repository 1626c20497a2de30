import { isIP } from "node:net";
import { AppError } from "@reelgate/shared/errors";
import { describeUrl } from "../http/describe-url.ts";
import { allowsName, coversAddress } from "./address-policy.ts";
import type { AllowedHosts } from "./allowed-hosts.ts";

const MAX_URL_CHARS = 8192;
/** A short reference takes the length of its base: 100,000 of them on a base of 8,192 were 0.9 GB. */
const MAX_RESOLVED_CHARS = 4096;
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const FORBIDDEN_CHARS = /[\u0000-\u001f\u007f\\]/;
const USERINFO = /^[^/?#]*:?\/\/[^/?#]*@/;

/**
 * Checks one URL, or one reference inside a playlist against the address of that playlist, before anything is
 * resolved or connected. What passes names an allowed host, or an address that an IP or CIDR entry covers; the
 * addresses behind a name are the connector's matter.
 *
 * The caller connects to the returned object and never parses the text again: two parsers that disagree about the
 * host are how such guards are passed.
 *
 * @param reference An absolute URL, at most 8,192 characters; with `base`, also a relative reference, at most 4,096
 *   once resolved. Untrusted.
 * @throws AppError `media_url_forbidden` with the reason, without user, password and query of the URL.
 */
export function checkUrl(allowed: AllowedHosts, reference: string, base?: URL): URL {
  if (reference.length > MAX_URL_CHARS) {
    throw forbidden(`The URL is longer than ${MAX_URL_CHARS} characters.`);
  }
  if (FORBIDDEN_CHARS.test(reference)) {
    throw forbidden("The URL contains a control character or a backslash.");
  }
  const url = URL.parse(reference, base?.href);
  if (url === null) {
    throw forbidden("The URL is not a valid absolute URL.");
  }
  const maxChars = base === undefined ? MAX_URL_CHARS : MAX_RESOLVED_CHARS;
  if (url.href.length > maxChars) {
    throw forbidden(`The URL is longer than ${maxChars} characters once it is resolved.`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw forbidden(`The scheme ${url.protocol.slice(0, 20)} is not http: or https:.`);
  }
  // The text is looked at too: an empty user (`http://@host/`) leaves no trace in the parsed URL.
  if (url.username !== "" || url.password !== "" || USERINFO.test(reference)) {
    throw forbidden(`The URL ${describeUrl(url)} carries a user or password.`);
  }
  const refusal = hostRefusal(allowed, hostOf(url), portOf(url));
  if (refusal !== null) {
    throw forbidden(`${describeUrl(url)}: ${refusal}`);
  }
  if (url.hash !== "") {
    url.hash = "";
  }
  return url;
}

/** Why a host and port may not be contacted at all, as a sentence, or null when they may. */
export function hostRefusal(allowed: AllowedHosts, host: string, port: number): string | null {
  if (isIP(host) !== 0) {
    return coversAddress(allowed, host, port)
      ? null
      : `the address ${host}, port ${port}, is not covered by an allowed IP or CIDR entry.`;
  }
  if (host === "" || host.endsWith(".")) {
    return "the host name is empty or ends in a dot.";
  }
  return allowsName(allowed, host, port)
    ? null
    : `the host is not allowed, or not on port ${port}.`;
}

/** The host of a checked URL without the brackets of an IPv6 address. */
function hostOf(url: URL): string {
  return url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
}

function portOf(url: URL): number {
  return url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
}

function forbidden(message: string): AppError {
  return new AppError("media_url_forbidden", { message });
}
