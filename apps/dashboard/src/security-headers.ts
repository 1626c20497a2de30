import type { RequestHandler } from "express";

const NO_FRAMES = "frame-ancestors 'none'; form-action 'none'; object-src 'none'";

/**
 * Bull Board's page has style attributes and a `<base>`, loads its scripts and translations from its own path and runs
 * its highlighter in a worker. It also names a style sheet of Google Fonts: that is left blocked, so that a private
 * page tells no third party that it is being read.
 */
const BOARD_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  NO_FRAMES,
].join("; ");

export interface SecurityHeadersOptions {
  /** The path under which Bull Board lives. */
  boardPath: string;
  /** `'sha256-…'` of the style sheet inside the dashboard's own page. */
  pageStyleHash: string;
}

/** On every answer, refusals too. */
export function securityHeaders(options: SecurityHeadersOptions): RequestHandler {
  const { boardPath, pageStyleHash } = options;
  const ownPolicy = `default-src 'none'; style-src ${pageStyleHash}; base-uri 'none'; ${NO_FRAMES}`;
  return (request, response, next) => {
    const isBoard = request.path === boardPath || request.path.startsWith(`${boardPath}/`);
    response.set({
      "Content-Security-Policy": isBoard ? BOARD_POLICY : ownPolicy,
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
      "Referrer-Policy": "same-origin",
      "Cross-Origin-Resource-Policy": "same-origin",
      "Cross-Origin-Opener-Policy": "same-origin",
    });
    // The board's scripts have their content's hash in their names; everything else is somebody's data.
    if (!request.path.startsWith(`${boardPath}/static/`)) response.set("Cache-Control", "no-store");
    next();
  };
}
