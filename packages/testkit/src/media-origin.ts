import { createHash, randomBytes } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { gzipSync } from "node:zlib";

/** How the origin misbehaves on a path. Byte positions count from the start of the answered body. */
export type OriginFault =
  /** Ignores Range: always 200 with the whole file. */
  | { kind: "no-range" }
  /** Answers 206 with this Content-Range (null: none) and the bytes that were asked for. */
  | { kind: "wrong-206"; contentRange: string | null }
  /** Sends the body in pieces with a pause before each. */
  | { kind: "slow"; chunkBytes: number; intervalMs: number }
  /** Sends so many bytes, then nothing, and keeps the connection. */
  | { kind: "stall"; atByte: number }
  /** Accepts the request and never answers. */
  | { kind: "no-answer" }
  /** Sends so many bytes, then resets the connection. */
  | { kind: "drop"; atByte: number }
  /** Answers with this status and no file. */
  | { kind: "status"; status: number; headers?: Record<string, string>; body?: string }
  /** Serves a file that ends at this byte, as if it were so on disk. */
  | { kind: "truncated"; atByte: number }
  /** Redirects to `location`, as it stands. */
  | { kind: "redirect"; location: string; status?: 301 | 302 | 303 | 307 | 308 }
  /** Redirects to itself so often, then serves the file. Without `hops`: for ever. */
  | { kind: "redirect-chain"; hops?: number }
  /** Compresses, whatever was accepted. */
  | { kind: "gzip" }
  /** Sends the whole file without Content-Length and without Range. */
  | { kind: "chunked" }
  /** Sends random bytes for ever, after `start`. */
  | { kind: "infinite"; start?: Uint8Array };

export interface OriginRequest {
  method: string;
  /** Path with query, as received. */
  path: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface MediaOriginOptions {
  /** Folder to serve. */
  root?: string;
  /** Files by path (`/a.mp4`); they come before those of `root`. */
  files?: Readonly<Record<string, Uint8Array | string>>;
  /** Default 127.0.0.1. */
  host?: string;
}

/** A real HTTP server for media, with faults by path. */
export interface MediaOrigin extends AsyncDisposable {
  /** `http://127.0.0.1:port`, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly requests: readonly OriginRequest[];
  /** TCP connections so far. */
  readonly connections: number;
  /** Body bytes handed to sockets so far. */
  readonly sentBytes: number;
  /** Sets or (null) ends the misbehaviour of a path. With `times`: for so many requests only. */
  setFault(path: string, fault: OriginFault | null, options?: { times?: number }): void;
  setFile(path: string, content: Uint8Array | string): void;
}

interface ServedFile {
  bytes: Uint8Array;
  lastModified: string;
}

/** Starts an origin on a random port. Disposing it ends every connection. */
export async function startMediaOrigin(options: MediaOriginOptions = {}): Promise<MediaOrigin> {
  const files = new Map<string, Uint8Array>();
  const faults = new Map<string, { fault: OriginFault; left: number }>();
  const requests: OriginRequest[] = [];
  const counters = { connections: 0, sentBytes: 0 };
  const host = options.host ?? "127.0.0.1";

  function setFile(path: string, content: Uint8Array | string): void {
    files.set(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
  }
  for (const [path, content] of Object.entries(options.files ?? {})) {
    setFile(path, content);
  }

  function takeFault(path: string): OriginFault | null {
    const entry = faults.get(path);
    if (entry === undefined) {
      return null;
    }
    entry.left -= 1;
    if (entry.left <= 0) {
      faults.delete(path);
    }
    return entry.fault;
  }

  async function load(path: string): Promise<ServedFile | null> {
    const inMemory = files.get(path);
    if (inMemory !== undefined) {
      return { bytes: inMemory, lastModified: new Date(0).toUTCString() };
    }
    if (options.root === undefined) {
      return null;
    }
    // The origin serves test machines, but a path must not leave the folder there either.
    const file = join(options.root, normalize(`/${path}`));
    const facts = await stat(file).catch(() => null);
    return facts?.isFile() === true
      ? { bytes: await readFile(file), lastModified: facts.mtime.toUTCString() }
      : null;
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = request.url ?? "/";
    requests.push({ method: request.method ?? "", path: target, headers: request.headers });
    const path = decodeURIComponent(target.split("?")[0] ?? "/");
    const fault = takeFault(path);
    const file = await load(path);
    serve(request, response, fault, file, target);
  }

  const server = createServer((request, response) => {
    // A client that goes away in the middle is what many tests are about.
    response.on("error", () => {});
    const write = response.write.bind(response);
    response.write = ((chunk: Uint8Array, onWritten: () => void = () => {}) => {
      counters.sentBytes += chunk.length;
      return write(chunk, onWritten);
    }) as typeof response.write;
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.on("connection", () => {
    counters.connections += 1;
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
      return counters.connections;
    },
    get sentBytes(): number {
      return counters.sentBytes;
    },
    setFile,
    setFault(path, fault, { times = Number.POSITIVE_INFINITY } = {}): void {
      if (fault === null) {
        faults.delete(path);
      } else {
        faults.set(path, { fault, left: times });
      }
    },
    async [Symbol.asyncDispose](): Promise<void> {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function serve(
  request: IncomingMessage,
  response: ServerResponse,
  fault: OriginFault | null,
  file: ServedFile | null,
  target: string,
): void {
  switch (fault?.kind) {
    case "status":
      response.writeHead(fault.status, fault.headers).end(fault.body ?? "");
      return;
    case "redirect":
      response.writeHead(fault.status ?? 302, { location: fault.location }).end();
      return;
    case "redirect-chain": {
      const url = new URL(target, "http://origin.invalid");
      const hop = Number(url.searchParams.get("hop") ?? "0");
      if (hop < (fault.hops ?? Number.POSITIVE_INFINITY)) {
        url.searchParams.set("hop", String(hop + 1));
        response.writeHead(302, { location: url.pathname + url.search }).end();
        return;
      }
      break;
    }
    case "infinite":
      response.writeHead(200, { "content-type": "video/mp4" });
      pour(response, fault.start ?? new Uint8Array());
      return;
    case "no-answer":
      return;
    default:
      break;
  }
  if (file === null) {
    response.writeHead(404, { "content-type": "application/xml" });
    response.end("<Error><Code>NoSuchKey</Code></Error>");
    return;
  }
  serveFile(request, response, fault, file);
}

function serveFile(
  request: IncomingMessage,
  response: ServerResponse,
  fault: OriginFault | null,
  file: ServedFile,
): void {
  const bytes = fault?.kind === "truncated" ? file.bytes.subarray(0, fault.atByte) : file.bytes;
  const headers: Record<string, string | number> = {
    "accept-ranges": "bytes",
    etag: `"${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}"`,
    "last-modified": file.lastModified,
  };
  if (fault?.kind === "gzip") {
    response.writeHead(200, { ...headers, "content-encoding": "gzip" }).end(gzipSync(bytes));
    return;
  }
  if (fault?.kind === "chunked") {
    response.writeHead(200, headers);
    send(response, bytes, fault);
    return;
  }
  const range = fault?.kind === "no-range" ? null : parseRange(request.headers.range, bytes.length);
  if (range === "unsatisfiable") {
    response.writeHead(416, { ...headers, "content-range": `bytes */${bytes.length}` }).end();
    return;
  }
  const part = range === null ? bytes : bytes.subarray(range.start, range.end + 1);
  headers["content-length"] = part.length;
  if (fault?.kind === "wrong-206") {
    if (fault.contentRange !== null) {
      headers["content-range"] = fault.contentRange;
    }
    response.writeHead(206, headers);
  } else if (range === null) {
    response.writeHead(200, headers);
  } else {
    headers["content-range"] = `bytes ${range.start}-${range.end}/${bytes.length}`;
    response.writeHead(206, headers);
  }
  send(response, part, fault);
}

function send(response: ServerResponse, body: Uint8Array, fault: OriginFault | null): void {
  switch (fault?.kind) {
    case "slow": {
      let sent = 0;
      const timer = setInterval(() => {
        response.write(body.subarray(sent, sent + fault.chunkBytes));
        sent += fault.chunkBytes;
        if (sent >= body.length) {
          clearInterval(timer);
          response.end();
        }
      }, fault.intervalMs);
      response.on("close", () => clearInterval(timer));
      response.flushHeaders();
      return;
    }
    case "stall":
      response.flushHeaders();
      response.write(body.subarray(0, fault.atByte));
      return;
    case "drop":
      if (fault.atByte === 0) {
        response.socket?.resetAndDestroy();
        return;
      }
      response.write(body.subarray(0, fault.atByte), () => response.socket?.resetAndDestroy());
      return;
    default:
      if (body.length > 0) {
        response.write(body);
      }
      response.end();
  }
}

/** Writes for ever at the pace of the reader. */
function pour(response: ServerResponse, start: Uint8Array): void {
  const block = randomBytes(65_536);
  const fill = (): void => {
    while (!response.destroyed && response.write(block)) {
      // Until the socket is full.
    }
  };
  response.on("drain", fill);
  if (start.length > 0) {
    response.write(start);
  }
  fill();
}

function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | "unsatisfiable" | null {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? "");
  if (match === null) {
    return null;
  }
  const start = Number(match[1]);
  if (start >= size) {
    return "unsatisfiable";
  }
  return { start, end: match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1) };
}
