import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import type { SampleFile } from "./media-samples.ts";

/** One servable path. `truncatedTo` serves that many first bytes as though they were the whole file. */
export interface OriginFile {
  sample: SampleFile;
  truncatedTo: number | null;
}

export interface Origin {
  /** `http://<address>:<port>`, without a slash at the end. */
  baseUrl: string;
  port: number;
  /** Publishes more paths; every other path is answered 404. */
  publish(files: ReadonlyMap<string, OriginFile>): void;
  /** Requests answered so far, by status. */
  answers(): ReadonlyMap<number, number>;
  close(): Promise<void>;
}

/** A byte range, both ends included. */
export interface ByteRange {
  first: number;
  last: number;
}

/**
 * Reads a `Range` header against a file of `sizeBytes` (RFC 9110, section 14).
 * `whole`: there is no usable single range, so the header is ignored; `unsatisfiable`: answer 416.
 */
export function parseRange(
  header: string | undefined,
  sizeBytes: number,
): ByteRange | "whole" | "unsatisfiable" {
  const match = /^bytes=(\d*)-(\d*)$/u.exec(header ?? "");
  if (match === null) {
    return "whole";
  }
  const [, from = "", to = ""] = match;
  if (from === "" && to === "") {
    return "whole";
  }
  if (from === "") {
    const length = Math.min(Number(to), sizeBytes);
    return length === 0 ? "unsatisfiable" : { first: sizeBytes - length, last: sizeBytes - 1 };
  }
  const first = Number(from);
  const last = to === "" ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1);
  if (to !== "" && Number(to) < first) {
    return "whole";
  }
  return first >= sizeBytes ? "unsatisfiable" : { first, last };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  files: ReadonlyMap<string, OriginFile>,
): void {
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD", "content-length": 0 }).end();
    return;
  }
  const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
  const file = files.get(path);
  if (file === undefined) {
    response.writeHead(404, { "content-type": "text/plain" }).end("not found\n");
    return;
  }
  const bytes = file.sample.bytes.subarray(0, file.truncatedTo ?? file.sample.bytes.length);
  const etag =
    file.truncatedTo === null
      ? file.sample.etag
      : `${file.sample.etag.slice(0, -1)}-${file.truncatedTo}"`;
  const headers: Record<string, string | number> = {
    "content-type": file.sample.contentType,
    "accept-ranges": "bytes",
    "cache-control": "no-store",
    etag,
  };
  const ifRange = request.headers["if-range"];
  const asked = ifRange === undefined || ifRange === etag ? request.headers.range : undefined;
  const range = parseRange(asked, bytes.length);
  if (range === "unsatisfiable") {
    response.writeHead(416, { ...headers, "content-range": `bytes */${bytes.length}` }).end();
    return;
  }
  let body = bytes;
  let status = 200;
  if (range !== "whole") {
    body = bytes.subarray(range.first, range.last + 1);
    status = 206;
    headers["content-range"] = `bytes ${range.first}-${range.last}/${bytes.length}`;
  }
  response.writeHead(status, { ...headers, "content-length": body.length });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** The URL of what listens there, without a slash at the end. */
export function httpUrl(address: string, port: number): string {
  return `http://${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

/**
 * Serves sample recordings over HTTP, with ranges and validators as the provider's storage has.
 *
 * @param port 0 takes a free one.
 * @param host an IP address of this machine.
 * Rejects with the system's error (EADDRINUSE, EADDRNOTAVAIL) when it cannot listen.
 */
export async function startOrigin(port: number, host: string): Promise<Origin> {
  const files = new Map<string, OriginFile>();
  const answers = new Map<number, number>();
  const server: Server = createServer((request, response) => {
    response.on("finish", () => {
      answers.set(response.statusCode, (answers.get(response.statusCode) ?? 0) + 1);
    });
    request.resume();
    answer(request, response, files);
  });
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  const actualPort = typeof address === "object" && address !== null ? address.port : port;
  return {
    baseUrl: httpUrl(host, actualPort),
    port: actualPort,
    publish: (more) => {
      for (const [path, file] of more) {
        files.set(path, file);
      }
    },
    answers: () => answers,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
