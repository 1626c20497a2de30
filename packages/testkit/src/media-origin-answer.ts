import type { IncomingMessage } from "node:http";
import { gzipSync } from "node:zlib";
import { type Outgoing, pour, sendBody } from "./media-origin-body.ts";
import { type OriginContent, truncatedContent } from "./media-origin-content.ts";
import type { OriginFault } from "./media-origin-faults.ts";

/** What tells versions of a file apart: a strong ETag (and Last-Modified), a weak one (and that), that alone, nothing. */
export type OriginValidators = "strong-etag" | "weak-etag" | "last-modified" | "none";

/** Answers one request. Resolves when the answer is over or, for a fault that never ends, has begun. */
export async function answerRequest(
  request: IncomingMessage,
  outgoing: Outgoing,
  content: OriginContent | null,
  validators: OriginValidators,
  fault: OriginFault | null,
): Promise<void> {
  const { response } = outgoing;
  switch (fault?.kind) {
    case "status":
      await sendText(outgoing, fault.status, fault.headers ?? {}, fault.body ?? "");
      return;
    case "redirect":
      response.writeHead(fault.status ?? 302, { location: fault.location }).end();
      return;
    case "redirect-chain": {
      const url = new URL(request.url ?? "/", "http://origin.invalid");
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
      await pour(outgoing, fault.start ?? new Uint8Array());
      return;
    case "no-answer":
      return;
    default:
      break;
  }
  if (content === null) {
    const headers = { "content-type": "application/xml" };
    await sendText(outgoing, 404, headers, "<Error><Code>NoSuchKey</Code></Error>");
    return;
  }
  const served = fault?.kind === "truncated" ? truncatedContent(content, fault.atByte) : content;
  await answerFile(request, outgoing, served, validators, fault);
}

async function sendText(
  { response, onSent }: Outgoing,
  status: number,
  headers: Record<string, string>,
  body: string,
): Promise<void> {
  onSent(Buffer.byteLength(body));
  response.writeHead(status, headers).end(body);
}

async function answerFile(
  request: IncomingMessage,
  outgoing: Outgoing,
  content: OriginContent,
  validators: OriginValidators,
  fault: OriginFault | null,
): Promise<void> {
  const { response } = outgoing;
  const whole = { start: 0, end: content.sizeBytes - 1 };
  const headers: Record<string, string | number> = {
    "accept-ranges": "bytes",
    ...validatorHeaders(content, validators),
  };
  if (fault?.kind === "gzip") {
    const zipped = gzipSync(await readAll(content));
    response.writeHead(200, { ...headers, "content-encoding": "gzip" });
    await sendBody(outgoing, [zipped], zipped.length, 0, null);
    return;
  }
  if (fault?.kind === "chunked") {
    response.writeHead(200, headers);
    await sendBody(outgoing, content.read(0, content.sizeBytes), content.sizeBytes, 0, fault);
    return;
  }
  const asked = askedRange(request, headers, content.sizeBytes, fault);
  if (asked === "unsatisfiable") {
    response.writeHead(416, { ...headers, "content-range": `bytes */${content.sizeBytes}` }).end();
    return;
  }
  const range = asked ?? whole;
  if (asked !== null && fault?.kind === "short-206") {
    range.end = Math.min(range.end, range.start + fault.maxBytes - 1);
  }
  const sizeBytes = range.end + 1 - range.start;
  headers["content-length"] = sizeBytes;
  if (fault?.kind === "wrong-206") {
    if (fault.contentRange !== null) {
      headers["content-range"] = fault.contentRange;
    }
    response.writeHead(206, headers);
  } else if (asked === null) {
    response.writeHead(200, headers);
  } else {
    headers["content-range"] = `bytes ${range.start}-${range.end}/${content.sizeBytes}`;
    response.writeHead(206, headers);
  }
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const pieces = content.read(range.start, range.end + 1);
  await sendBody(outgoing, pieces, sizeBytes, range.start, fault);
}

async function readAll(content: OriginContent): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content.read(0, content.sizeBytes)) {
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function validatorHeaders(
  { etag, lastModified }: OriginContent,
  validators: OriginValidators,
): Record<string, string> {
  const date = { "last-modified": lastModified.toUTCString() };
  switch (validators) {
    case "strong-etag":
      return { etag: `"${etag}"`, ...date };
    case "weak-etag":
      return { etag: `W/"${etag}"`, ...date };
    case "last-modified":
      return date;
    case "none":
      return {};
    default:
      return validators satisfies never;
  }
}

/** The range to answer; null for the whole file. */
function askedRange(
  request: IncomingMessage,
  headers: Readonly<Record<string, string | number>>,
  sizeBytes: number,
  fault: OriginFault | null,
): { start: number; end: number } | "unsatisfiable" | null {
  if (fault?.kind === "no-range") {
    return null;
  }
  const condition = request.headers["if-range"];
  const isMet =
    fault?.kind === "ignores-if-range" ||
    typeof condition !== "string" ||
    ifRangeHolds(condition, headers);
  return isMet ? parseRange(request.headers.range, sizeBytes) : null;
}

/**
 * RFC 9110, 13.1.5: a tag by strong comparison, a date only if it is the very date and old enough to be a strong
 * validator (8.8.2.2).
 */
function ifRangeHolds(
  condition: string,
  headers: Readonly<Record<string, string | number>>,
): boolean {
  if (condition.startsWith('"') || condition.startsWith("W/")) {
    return !condition.startsWith("W/") && condition === headers["etag"];
  }
  return condition === headers["last-modified"] && Date.now() - Date.parse(condition) >= 1_000;
}

function parseRange(
  header: string | undefined,
  sizeBytes: number,
): { start: number; end: number } | "unsatisfiable" | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  if (match === null || (match[1] === "" && match[2] === "")) {
    return null;
  }
  if (match[1] === "") {
    const suffix = Math.min(Number(match[2]), sizeBytes);
    return suffix === 0 ? "unsatisfiable" : { start: sizeBytes - suffix, end: sizeBytes - 1 };
  }
  const start = Number(match[1]);
  const last = match[2] === "" ? sizeBytes - 1 : Number(match[2]);
  if (match[2] !== "" && last < start) {
    return null;
  }
  return start >= sizeBytes ? "unsatisfiable" : { start, end: Math.min(last, sizeBytes - 1) };
}
