/**
 * The one registry of errors: a stable code, the sentence that people read, the HTTP status it maps to where it
 * reaches HTTP, and whether doing the same thing again later can succeed. `docs/errors.md` lists it; a test keeps
 * page and registry equal in both directions. A code that was published is never given another meaning.
 */
export interface ErrorDefinition {
  /** HTTP status, or null for an error that never becomes an HTTP answer. */
  status: number | null;
  /** True when time alone may heal it: the caller may repeat the same work later. */
  retryable: boolean;
  message: string;
}

export const ERRORS = {
  // Start-up
  config_invalid: { status: null, retryable: false, message: "The configuration is not usable." },
  port_in_use: {
    status: null,
    retryable: false,
    message: "A port that must be listened on is taken.",
  },
  tool_missing: {
    status: null,
    retryable: false,
    message: "A program that is needed is not installed and could not be installed.",
  },
  setup_failed: { status: null, retryable: false, message: "The set-up of this machine failed." },
  schema_outdated: {
    status: null,
    retryable: false,
    message: "The catalogue's schema does not fit this version.",
  },

  queue_layout_differs: {
    status: null,
    retryable: false,
    message: "QUEUE_SHARDS is not the number that the queues of this Redis were made with.",
  },

  spool_unusable: {
    status: null,
    retryable: false,
    message: "The folder of the spool cannot be used.",
  },

  // Ingress: the answers of the callback route
  malformed_json: {
    status: 400,
    retryable: false,
    message: "The body is not one well-formed JSON text in UTF-8.",
  },
  not_an_object: { status: 400, retryable: false, message: "The body is JSON, but not an object." },
  missing_signature: {
    status: 400,
    retryable: false,
    message: "The body lacks a usable `t` or `sign`.",
  },
  bad_signature: {
    status: 401,
    retryable: false,
    message: "`sign` was made with none of the configured keys.",
  },
  expired: {
    status: 401,
    retryable: false,
    message: "`t` has passed, and so has the grace period.",
  },
  too_large: { status: 413, retryable: false, message: "The body is larger than MAX_BODY_BYTES." },
  not_found: { status: 404, retryable: false, message: "There is nothing at this path." },
  method_not_allowed: {
    status: 405,
    retryable: false,
    message: "This path does not take this method.",
  },
  overloaded: {
    status: 503,
    retryable: true,
    message: "More callbacks are in flight than MAX_IN_FLIGHT allows.",
  },
  queue_unavailable: {
    status: 503,
    retryable: true,
    message: "The callback could not be made durable.",
  },
  internal: { status: 500, retryable: true, message: "Something failed that should not fail." },

  // Catalogue
  catalogue_unavailable: {
    status: 503,
    retryable: true,
    message: "Postgres cannot be reached or refuses work for now.",
  },
  catalogue_rejected: {
    status: 500,
    retryable: false,
    message: "Postgres refused the row itself; repeating cannot help.",
  },

  catalogue_refused: {
    status: 503,
    retryable: true,
    message: "Postgres refuses the user, the password or the database.",
  },

  // Command line
  redis_unavailable: {
    status: null,
    retryable: true,
    message: "Redis cannot be reached or does not answer.",
  },
  usage: { status: null, retryable: false, message: "The command cannot be run as it is given." },
  callback_not_found: { status: null, retryable: false, message: "No callback has this id." },

  // Dashboard
  unauthorized: { status: 401, retryable: false, message: "User or password is missing or wrong." },
  too_many_attempts: {
    status: 429,
    retryable: true,
    message: "Too many wrong passwords came from this address.",
  },
  cross_origin: {
    status: 403,
    retryable: false,
    message: "A state-changing request came from another origin.",
  },
  invalid_target: {
    status: 400,
    retryable: false,
    message: "The target of the request is not a path that can be read.",
  },
  invalid_query: { status: 400, retryable: false, message: "A query parameter is not usable." },
  recording_not_found: { status: 404, retryable: false, message: "No recording has this id." },
  retry_not_possible: {
    status: 409,
    retryable: false,
    message: "This recording is not in a state from which it can be retried.",
  },
  copy_not_found: {
    status: 404,
    retryable: false,
    message: "This recording has no stored copy that can be read here, or no such file in it.",
  },
  precondition_failed: {
    status: 412,
    retryable: false,
    message: "The file is not the version that If-Match or If-Unmodified-Since asks for.",
  },
  range_not_satisfiable: {
    status: 416,
    retryable: false,
    message: "The file has none of the bytes that were asked for.",
  },
  copy_unavailable: {
    status: 503,
    retryable: true,
    message: "The storage of the copies cannot be read for now.",
  },
  source_not_allowed: {
    status: 403,
    retryable: false,
    message: "Playing from the provider is not allowed here.",
  },

  // Media: why a file could not be verified
  media_url_forbidden: {
    status: null,
    retryable: false,
    message: "The URL points where this system must not connect.",
  },
  media_address_forbidden: {
    status: null,
    retryable: false,
    message: "The host's name leads to an address that is not public.",
  },
  media_not_found: {
    status: null,
    retryable: true,
    message: "The origin says that the file is not there.",
  },
  media_forbidden: {
    status: null,
    retryable: false,
    message: "The origin refuses access to the file.",
  },
  media_rate_limited: {
    status: null,
    retryable: true,
    message: "The origin asks to come back later.",
  },
  media_origin_error: { status: null, retryable: true, message: "The origin failed." },
  media_http_error: {
    status: null,
    retryable: false,
    message: "The origin answered with a status that no retry will change.",
  },
  media_bad_response: {
    status: null,
    retryable: true,
    message: "The origin's answer contradicts itself or the protocol.",
  },
  media_timeout: { status: null, retryable: true, message: "The origin was too slow." },
  media_connection_failed: {
    status: null,
    retryable: true,
    message: "The connection to the origin failed.",
  },
  media_dns_failed: {
    status: null,
    retryable: true,
    message: "The host name could not be resolved.",
  },
  media_too_many_redirects: {
    status: null,
    retryable: false,
    message: "The redirects do not come to an end.",
  },
  media_not_media: {
    status: null,
    retryable: false,
    message: "What is behind the URL is none of the media formats.",
  },
  media_playlist_invalid: {
    status: null,
    retryable: false,
    message: "The HLS playlist breaks RFC 8216 in a way that hides what was recorded.",
  },
  media_look_crashed: {
    status: null,
    retryable: false,
    message: "Looking at the file ended the worker again and again.",
  },
  media_budget_exceeded: {
    status: null,
    retryable: false,
    message: "Reading the file needs more bytes than are allowed.",
  },
  media_changed: {
    status: null,
    retryable: true,
    message: "The file was replaced while it was read.",
  },
  media_incomplete: {
    status: null,
    retryable: true,
    message: "Part of the recording is missing or broken, so no copy of it was stored.",
  },

  // Storage: why a verified copy could not be kept
  storage_full: {
    status: null,
    retryable: true,
    message: "The storage, or the disk that copies are made on, has no room.",
  },
  storage_refused: {
    status: null,
    retryable: true,
    message: "The storage refuses the credentials, the bucket or the folder.",
  },
  storage_unavailable: {
    status: null,
    retryable: true,
    message: "The storage cannot be reached or fails.",
  },
  storage_conflict: {
    status: null,
    retryable: false,
    message: "Another file is stored under the name of this recording.",
  },
  storage_claimed: {
    status: null,
    retryable: true,
    message: "Another process is making the copy of this recording.",
  },
} as const;

export type ErrorCode = keyof typeof ERRORS;

export interface AppErrorOptions {
  /** Replaces the registry's sentence with one that names the case. Must carry no secret. */
  message?: string;
  cause?: unknown;
  /** Milliseconds after which the other side asked to be tried again. */
  retryAfterMs?: number;
}

/** An unexpected condition with a registered code. Expected results are unions, not errors. */
export class AppError extends Error {
  override readonly name: string = "AppError";
  readonly code: ErrorCode;
  readonly status: number | null;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    const definition: ErrorDefinition = ERRORS[code];
    super(
      options.message ?? definition.message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.status = definition.status;
    this.retryable = definition.retryable;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** The text of whatever was thrown, for logs and failure columns. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
