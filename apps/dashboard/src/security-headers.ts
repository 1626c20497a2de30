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

/**
 * The dashboard's own pages. Media and what a player fetches come from the dashboard, or from the provider's hosts that
 * the operator allows; players hand media over as blobs. They work in the page: their workers would be made of blobs, and
 * whatever can make a blob could then run as a script.
 */
function ownPolicy({ providerSources, styleHash }: SecurityHeadersOptions): string {
  const provider = providerSources.map((source) => ` ${source}`).join("");
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self'${styleHash === null ? "" : ` ${styleHash}`}`,
    "img-src 'self' data:",
    "font-src 'self'",
    `media-src 'self' blob:${provider}`,
    `connect-src 'self'${provider}`,
    "worker-src 'none'",
    "manifest-src 'self'",
    "base-uri 'none'",
    NO_FRAMES,
  ].join("; ");
}

export interface SecurityHeadersOptions {
  /** The path under which Bull Board lives. */
  boardPath: string;
  /** What the pages may play from beside the dashboard, as sources of a Content-Security-Policy. */
  providerSources: readonly string[];
  /** `'sha256-…'` of a style sheet inside a page; null when there is none. */
  styleHash: string | null;
}

/** On every answer, refusals too. */
export function securityHeaders(options: SecurityHeadersOptions): RequestHandler {
  const { boardPath } = options;
  const own = ownPolicy(options);
  return (request, response, next) => {
    const isBoard = request.path === boardPath || request.path.startsWith(`${boardPath}/`);
    response.set({
      "Content-Security-Policy": isBoard ? BOARD_POLICY : own,
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
      "Referrer-Policy": "same-origin",
      "Cross-Origin-Resource-Policy": "same-origin",
      "Cross-Origin-Opener-Policy": "same-origin",
    });
    // Files whose names are made of their content take this back; everything else is somebody's data.
    if (!request.path.startsWith(`${boardPath}/static/`)) response.set("Cache-Control", "no-store");
    next();
  };
}
