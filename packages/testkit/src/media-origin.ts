import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type OriginValidators, answerRequest } from "./media-origin-answer.ts";
import { type Outgoing, addLatency } from "./media-origin-body.ts";
import {
  type OriginContent,
  type SparsePart,
  diskContent,
  memoryContent,
  sparseContent,
} from "./media-origin-content.ts";
import {
  type ConcurrencyLimit,
  OriginCounters,
  type PathCounters,
} from "./media-origin-counters.ts";
import { FaultTable, type OriginFault } from "./media-origin-faults.ts";

export type { OriginFault } from "./media-origin-faults.ts";

export interface OriginRequest {
  method: string;
  /** Path with query, as received. */
  path: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface MediaOriginOptions {
  /** Folder to serve. Files are read as they are sent. */
  root?: string;
  /** Files by path (`/a.mp4`); they come before those of `root`. */
  files?: Readonly<Record<string, Uint8Array | string>>;
  /** Default 127.0.0.1. */
  host?: string;
  /** Waits so long before the headers of each answer. Default 0. */
  latencyMs?: number;
  /** Sends the body of each answer no faster. Default: as fast as it is read. */
  bytesPerSecond?: number;
}

/** A real HTTP server for media, with faults by path. Paths are decoded and without a query. */
export interface MediaOrigin extends AsyncDisposable {
  /** `http://127.0.0.1:port`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly OriginRequest[];
  /** TCP connections so far. */
  readonly connections: number;
  /** Body bytes handed to sockets so far. */
  readonly sentBytes: number;
  /** Most requests at a time so far. */
  readonly maxConcurrent: number;
  /** What was asked of a path so far. */
  counters(path: string): Readonly<PathCounters>;
  /**
   * Sets or (null) ends the misbehaviour of a path, or of every path without one of its own (`*`). With `times`: for
   * so many requests only, such as a 503 with Retry-After for the first three.
   */
  setFault(path: string, fault: OriginFault | null, options?: { times?: number }): void;
  /** Sets a file. Another content has another ETag and Last-Modified; answers that have begun keep the old one. */
  setFile(path: string, content: Uint8Array | string): void;
  /** Sets a file of any size, zero but for `parts`; zeros are made as they are sent. */
  setSparseFile(path: string, sizeBytes: number, parts: readonly SparsePart[]): void;
  /**
   * Replaces a file later: from its n-th request from now on (1: the next), or for requests that come when so many
   * bytes of it were sent from now on.
   */
  setReplacement(
    path: string,
    content: Uint8Array | string,
    when: { fromRequest: number } | { afterBytes: number },
  ): void;
  /** Default `strong-etag`. */
  setValidators(path: string, validators: OriginValidators): void;
  /** Refuses what comes while `max` requests are being answered, over all paths; null: no limit. */
  setConcurrencyLimit(limit: ConcurrencyLimit | null): void;
}

/** Starts an origin on a random port. Disposing it ends every connection. */
export async function startMediaOrigin(options: MediaOriginOptions = {}): Promise<MediaOrigin> {
  const files = new Map<string, OriginContent>();
  const versions = new Map<string, number>();
  const validators = new Map<string, OriginValidators>();
  const replacements = new Map<string, { content: Uint8Array | string; isDue: () => boolean }>();
  const faults = new FaultTable();
  const counters = new OriginCounters();
  const requests: OriginRequest[] = [];
  const host = options.host ?? "127.0.0.1";

  function nextVersion(path: string): number {
    const version = (versions.get(path) ?? -1) + 1;
    versions.set(path, version);
    return version;
  }
  function setFile(path: string, content: Uint8Array | string): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    files.set(path, memoryContent(bytes, nextVersion(path)));
  }
  for (const [path, content] of Object.entries(options.files ?? {})) {
    setFile(path, content);
  }

  async function load(path: string): Promise<OriginContent | null> {
    const replacement = replacements.get(path);
    if (replacement?.isDue() === true) {
      replacements.delete(path);
      setFile(path, replacement.content);
    }
    const set = files.get(path);
    if (set !== undefined || options.root === undefined) {
      return set ?? null;
    }
    return diskContent(options.root, path);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = request.url ?? "/";
    requests.push({ method: request.method ?? "", path: target, headers: request.headers });
    const path = pathOf(target);
    if (path === null) {
      response.writeHead(400).end();
      return;
    }
    const isOver = new AbortController();
    const turn = counters.begin(path, request.headers.range ?? null);
    response.once("close", () => {
      isOver.abort();
      turn.end();
    });
    const outgoing: Outgoing = {
      response,
      closed: isOver.signal,
      bytesPerSecond: options.bytesPerSecond ?? Number.POSITIVE_INFINITY,
      onSent: turn.sent,
    };
    const fault = turn.refusal ?? faults.take(path);
    const content = await load(path);
    await addLatency(outgoing, options.latencyMs ?? 0);
    if (!response.destroyed) {
      const kind = validators.get(path) ?? "strong-etag";
      await answerRequest(request, outgoing, content, kind, fault);
    }
  }

  let connections = 0;
  const server = createServer((request, response) => {
    // A client that goes away in the middle is what many tests are about.
    response.on("error", () => {});
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.on("connection", (socket) => {
    connections += 1;
    socket.setNoDelay(true);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    requests,
    get connections(): number {
      return connections;
    },
    get sentBytes(): number {
      return counters.sentBytes;
    },
    get maxConcurrent(): number {
      return counters.maxConcurrent;
    },
    counters: (path) => counters.of(path),
    setFile,
    setSparseFile(path, sizeBytes, parts): void {
      files.set(path, sparseContent(sizeBytes, parts, nextVersion(path)));
    },
    setReplacement(path, content, when): void {
      const before = { ...counters.of(path) };
      const isDue = (): boolean =>
        "fromRequest" in when
          ? counters.of(path).requests - before.requests >= when.fromRequest
          : counters.of(path).sentBytes - before.sentBytes >= when.afterBytes;
      replacements.set(path, { content, isDue });
    },
    setValidators(path, kind): void {
      validators.set(path, kind);
    },
    setConcurrencyLimit(limit): void {
      counters.limit = limit;
    },
    setFault(path, fault, { times = Number.POSITIVE_INFINITY } = {}): void {
      faults.set(path, fault, times);
    },
    async [Symbol.asyncDispose](): Promise<void> {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The decoded path of a request's target; null when it has a `%` that is no escape, which servers answer with 400. */
function pathOf(target: string): string | null {
  try {
    return decodeURIComponent(target.split("?")[0] ?? "/");
  } catch {
    return null;
  }
}
