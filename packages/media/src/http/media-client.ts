import { Agent, type Dispatcher } from "undici";
import { AppError } from "@reelgate/shared/errors";
import type { AllowedHosts } from "../guard/allowed-hosts.ts";
import { createGuardedConnector, type ResolveHost } from "../guard/connector.ts";
import { checkUrl } from "../guard/url-guard.ts";
import { type Bandwidth, createBandwidth } from "./bandwidth.ts";
import { describeUrl } from "./describe-url.ts";
import { createHostLimits, type HostLimits } from "./host-limits.ts";
import { type HostTurn, takeHostTurn } from "./host-turn.ts";
import { toMediaError } from "./media-errors.ts";
import {
  discardBody,
  type MediaResponse,
  readAnswer,
  type RequestedRange,
  takeBytes,
} from "./media-response.ts";
import { type ReadDeadline, startDeadline } from "./read-deadline.ts";
import { type LowSpeed, watchSpeed } from "./speed-watch.ts";

export interface MediaClientOptions {
  allowedHosts: AllowedHosts;
  /** Name resolution, TCP and TLS together. Default 10,000. */
  connectTimeoutMs?: number;
  /** From the request to the end of the answer's headers. Default 30,000. */
  headersTimeoutMs?: number;
  /** Between two pieces of a body. Default 30,000. */
  bodyIdleTimeoutMs?: number;
  /** One whole read: every redirect, and the body to its end. Default 120,000. */
  totalTimeoutMs?: number;
  /** Redirects that one read follows. Default 5. */
  maxRedirects?: number;
  /**
   * Requests under way at one host, name and port; fewer for a while after it answered 429 or 503. Those above wait,
   * without limit but `signal`. Default 8.
   */
  perHostConcurrency?: number;
  /** All bodies of this client together. Default: no bound. */
  maxBytesPerSecond?: number;
  userAgent?: string;
  /** Replaces the system's name resolution. What it answers is checked all the same. */
  resolve?: ResolveHost;
}

export interface OpenOptions {
  range?: RequestedRange;
  /**
   * A strong ETag or a Last-Modified, as `ifRangeValidator` gives it: an origin whose file is another one by now answers
   * 200 with the whole of it (RFC 9110, 13.1.5).
   */
  ifRange?: string;
  /** One whole read, in place of the client's own; null for none: a long download watches its progress instead. */
  totalTimeoutMs?: number | null;
  /** A body that comes slower ends with `media_timeout`. Default: no bound. */
  lowSpeed?: LowSpeed;
  /** May take hours. Where a host has more than one place, such reads leave one to the short ones. */
  isLong?: boolean;
  signal?: AbortSignal;
}

/** The beginning of a file, and what the origin says about the whole of it. */
export interface Prefix {
  /** 206, 200 when the origin ignored the range, 416 when the file is empty. */
  status: number;
  /** The address after all redirects: what relative references inside the file are resolved against. */
  finalUrl: URL;
  /** Size of the whole file; null when the origin does not say. */
  totalSizeBytes: number | null;
  etag: string | null;
  lastModified: string | null;
  bytes: Uint8Array;
}

/**
 * The only way of this package to an origin. Every address it connects to has passed the guard: the given URL, each
 * redirect, each DNS answer.
 */
export interface MediaClient {
  /** Resolves a reference from inside a playlist and checks it. Throws AppError `media_url_forbidden`. */
  check(reference: string, base?: URL): URL;
  /**
   * Sends a GET and returns once the headers stand. The caller reads the body to its end or calls `close`.
   *
   * @throws AppError of the media codes, or the reason of `signal` when that aborts.
   */
  open(url: string | URL, options?: OpenOptions): Promise<MediaResponse>;
  /**
   * Reads the first `maxBytes` of a file (all of it when it is shorter) and stops there, whatever the origin sends.
   *
   * @throws as `open` does.
   */
  readPrefix(url: string | URL, maxBytes: number, signal?: AbortSignal): Promise<Prefix>;
  /** Ends every connection. Reads that are still going fail. */
  close(): Promise<void>;
}

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Creates a client with its own pool of connections; `close` ends them. All durations in milliseconds. */
export function createMediaClient(options: MediaClientOptions): MediaClient {
  const { allowedHosts } = options;
  const totalTimeoutMs = options.totalTimeoutMs ?? 120_000;
  const maxRedirects = options.maxRedirects ?? 5;
  const userAgent = options.userAgent ?? "reelgate";
  const limits: HostLimits = createHostLimits(options.perHostConcurrency ?? 8);
  const bandwidth: Bandwidth | null =
    options.maxBytesPerSecond === undefined ? null : createBandwidth(options.maxBytesPerSecond);
  const agent = new Agent({
    allowH2: false,
    headersTimeout: options.headersTimeoutMs ?? 30_000,
    bodyTimeout: options.bodyIdleTimeoutMs ?? 30_000,
    connect: createGuardedConnector({
      allowedHosts,
      connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
      ...(options.resolve === undefined ? {} : { resolve: options.resolve }),
    }),
  });

  async function open(url: string | URL, openOptions: OpenOptions = {}): Promise<MediaResponse> {
    const start = checkUrl(allowedHosts, String(url));
    const turn = await takeHostTurn(
      limits,
      start.host,
      openOptions.isLong ?? false,
      openOptions.signal,
    );
    const timeoutMs =
      openOptions.totalTimeoutMs === undefined ? totalTimeoutMs : openOptions.totalTimeoutMs;
    // Begins after the wait for the host: what other reads of it take is no slowness of this one.
    const deadline = startDeadline(timeoutMs, describeUrl(start), openOptions.signal);
    const { lowSpeed } = openOptions;
    const watch =
      lowSpeed === undefined
        ? null
        : watchSpeed(lowSpeed, describeUrl(start), (error) => deadline.fail(error));
    const ended: ReadDeadline = {
      ...deadline,
      end(): void {
        deadline.end();
        turn.end();
      },
    };
    try {
      const response = await follow(start, openOptions, ended, turn);
      turn.park();
      return {
        ...response,
        body: turn.carry(response.body, { bandwidth, watch, deadline }),
        async close(): Promise<void> {
          // Ends a wait for the bandwidth too, which else would sleep on without a signal.
          deadline.fail(closedError(start));
          await response.close();
        },
      };
    } catch (error) {
      turn.failed(error);
      ended.end();
      throw error;
    }
  }

  async function follow(
    start: URL,
    asked: OpenOptions,
    deadline: ReadDeadline,
    turn: HostTurn,
  ): Promise<MediaResponse> {
    let url = start;
    for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
      // Sequential by nature: each hop names the next.
      await turn.moveTo(url.host, deadline.signal);
      const answer = await send(url, asked, deadline.signal);
      if (!REDIRECT_STATUSES.has(answer.statusCode)) {
        return readAnswer(answer, url, asked.range, deadline);
      }
      discardBody(answer);
      url = checkUrl(allowedHosts, redirectTarget(answer, url), url);
    }
    throw new AppError("media_too_many_redirects", {
      message: `${describeUrl(start)}: more than ${maxRedirects} redirects.`,
    });
  }

  async function send(
    url: URL,
    { range, ifRange }: OpenOptions,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    signal.throwIfAborted();
    try {
      return await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: "GET",
        signal,
        headers: {
          accept: "*/*",
          // A compressed body has another length and other ranges than the file that is being verified.
          "accept-encoding": "identity",
          "user-agent": userAgent,
          ...(range === undefined ? {} : { range: `bytes=${range.start}-${range.end ?? ""}` }),
          ...(ifRange === undefined ? {} : { "if-range": ifRange }),
        },
      });
    } catch (error) {
      throw toMediaError(error, describeUrl(url), signal);
    }
  }

  async function readPrefix(
    url: string | URL,
    maxBytes: number,
    signal?: AbortSignal,
  ): Promise<Prefix> {
    const signalOption = signal === undefined ? {} : { signal };
    const part = await open(url, { range: { start: 0, end: maxBytes - 1 }, ...signalOption });
    if (part.status !== 416 || part.totalSizeBytes === 0) {
      return await toPrefix(part, maxBytes);
    }
    // A 416 for a range that begins at 0 means an empty file, but only the file itself proves it.
    await part.close();
    return await toPrefix(await open(url, signalOption), maxBytes);
  }

  return {
    check: (reference, base) => checkUrl(allowedHosts, reference, base),
    open,
    readPrefix,
    close: () => agent.destroy(),
  };
}

async function toPrefix(response: MediaResponse, maxBytes: number): Promise<Prefix> {
  const { status, finalUrl, etag, lastModified } = response;
  const { bytes, ended } = await takeBytes(response, maxBytes);
  const totalSizeBytes = response.totalSizeBytes ?? (status === 200 && ended ? bytes.length : null);
  if (bytes.length < Math.min(maxBytes, totalSizeBytes ?? 0)) {
    throw new AppError("media_bad_response", {
      message: `${describeUrl(finalUrl)}: ${bytes.length} bytes came where ${maxBytes} were asked for.`,
    });
  }
  return { status, finalUrl, totalSizeBytes, etag, lastModified, bytes };
}

function closedError(url: URL): AppError {
  return new AppError("media_connection_failed", {
    message: `${describeUrl(url)}: the read was closed.`,
  });
}

function redirectTarget(answer: Dispatcher.ResponseData, url: URL): string {
  const location = answer.headers["location"];
  if (typeof location !== "string" || location === "") {
    throw new AppError("media_bad_response", {
      message: `${describeUrl(url)}: a redirect (${answer.statusCode}) without a Location.`,
    });
  }
  return location;
}
