import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import type { Request, RequestHandler } from "express";
import { answerError } from "./error-answer.ts";
import type { GuessThrottle } from "./guess-throttle.ts";
import type { KnownClients } from "./known-clients.ts";

export interface Credentials {
  user: string;
  password: string;
}

export type CredentialCheck = "absent" | "wrong" | "right";

/** A longer header is no attempt of a person; it is not decoded. */
const MAX_HEADER_CHARS = 1024;

/**
 * Compares the `Authorization` header of a request with the one pair of user and password (RFC 7617, UTF-8).
 *
 * Both halves are hashed with a key of this process and compared in constant time, and both always are: how long the
 * answer takes says neither how much of the password was right, nor how long it is, nor whether the user was right.
 */
export function createCredentialCheck(
  credentials: Credentials,
): (authorization: string | undefined) => CredentialCheck {
  const key = randomBytes(32);
  const digest = (value: string): Buffer => createHmac("sha256", key).update(value).digest();
  const userDigest = digest(credentials.user);
  const passwordDigest = digest(credentials.password);
  return (authorization) => {
    if (authorization === undefined) return "absent";
    const encoded = /^basic +([A-Za-z0-9+/_-]+={0,2}) *$/iu.exec(
      authorization.slice(0, MAX_HEADER_CHARS + 1),
    )?.[1];
    if (encoded === undefined || authorization.length > MAX_HEADER_CHARS) return "wrong";
    const pair = Buffer.from(encoded, "base64").toString("utf8");
    const colon = pair.indexOf(":");
    if (colon === -1) return "wrong";
    const userIsRight = timingSafeEqual(digest(pair.slice(0, colon)), userDigest);
    const passwordIsRight = timingSafeEqual(digest(pair.slice(colon + 1)), passwordDigest);
    return userIsRight && passwordIsRight ? "right" : "wrong";
  };
}

export interface PasswordGateOptions {
  credentials: Credentials;
  throttle: GuessThrottle;
  knownClients: KnownClients;
  /** A wrong attempt, or one that was not looked at because its address has to wait. */
  onRefused: (attempt: { address: string; reason: "wrong" | "throttled" }) => void;
}

/**
 * Lets nothing through without user and password.
 *
 * A request without credentials is no guess: browsers begin with one, so it is not counted. Wrong attempts are counted
 * by address, and by client for who had the right password before: others behind its address do not make it wait.
 */
export function passwordGate(options: PasswordGateOptions): RequestHandler {
  const { throttle, knownClients, onRefused } = options;
  const check = createCredentialCheck(options.credentials);
  return (request, response, next) => {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const address = addressOf(request);
      const known = knownClients.keyOf(request.headers.cookie);
      const guesser = known ?? address;
      const waitMs = throttle.waitMs(guesser);
      if (waitMs > 0) {
        onRefused({ address, reason: "throttled" });
        response.set("Retry-After", String(Math.ceil(waitMs / 1000)));
        answerError(response, "too_many_attempts");
        return;
      }
      if (check(authorization) === "right") {
        if (known === null) response.append("Set-Cookie", knownClients.introduce());
        next();
        return;
      }
      throttle.recordFailure(guesser);
      onRefused({ address, reason: "wrong" });
    }
    response.set("WWW-Authenticate", 'Basic realm="Reelgate", charset="UTF-8"');
    answerError(response, "unauthorized");
  };
}

/**
 * The client's address: that of the connection, or what the trusted proxies (DASHBOARD_TRUST_PROXY) say it is. Express
 * takes any text out of X-Forwarded-For; what is no IP address is not believed.
 */
function addressOf(request: Request): string {
  const claimed = request.ip;
  if (claimed !== undefined && isIP(claimed) !== 0) return claimed;
  return request.socket.remoteAddress ?? "";
}
