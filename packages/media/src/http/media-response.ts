import type { Dispatcher } from "undici";
import { AppError } from "@reelgate/shared/errors";
import { parseContentRange } from "./content-range.ts";
import { describeUrl } from "./describe-url.ts";
import { statusError, toMediaError } from "./media-errors.ts";
import type { ReadDeadline } from "./read-deadline.ts";

/** Byte positions, both inclusive. Without `end`: to the end of the file. */
export interface RequestedRange {
  start: number;
  end?: number;
}

/** An answer whose headers have been checked against the request and against each other. */
export interface MediaResponse {
  /** 206: exactly the part `range`. 200: the whole file, also when a range was asked for. 416: nothing. */
  status: 200 | 206 | 416;
  /** The address after all redirects. */
  finalUrl: URL;
  /** Size of the whole file; null when the origin does not say. */
  totalSizeBytes: number | null;
  /** The part that the body brings, positions inclusive; null for a 200 or 416. */
  range: { start: number; end: number } | null;
  etag: string | null;
  lastModified: string | null;
  /** Can be iterated once. Throws AppError, or the reason of the caller's signal. */
  body: AsyncIterable<Uint8Array>;
  /** Drops what was not read, with the connection. Does nothing after the end of the body. */
  close(): Promise<void>;
}

/**
 * Checks an answer that is no redirect.
 *
 * @throws AppError when the status brings no file or the headers contradict the request; the body is dropped then.
 */
export function readAnswer(
  answer: Dispatcher.ResponseData,
  url: URL,
  requested: RequestedRange | undefined,
  deadline: ReadDeadline,
): MediaResponse {
  try {
    const head = readHead(answer, url, requested);
    const stream = answer.body;
    // A destroyed body reports its own end as an error, also when nobody iterates it any more.
    stream.on("error", () => {});
    const body =
      head.status === 416
        ? emptyBody()
        : readBody(answer, describeUrl(url), bodyBytes(head, answer), deadline);
    const close = async (): Promise<void> => {
      deadline.end();
      stream.destroy();
    };
    if (head.status === 416) {
      void close();
    }
    return { ...head, finalUrl: url, body, close };
  } catch (error) {
    discardBody(answer);
    throw error;
  }
}

/** Drops the body of an answer that is of no more use. */
export function discardBody(answer: Dispatcher.ResponseData): void {
  answer.body.on("error", () => {});
  answer.body.destroy();
}

/** Reads at most `maxBytes`. `ended` tells whether the body was at its end by then. */
export async function takeBytes(
  response: MediaResponse,
  maxBytes: number,
): Promise<{ bytes: Uint8Array; ended: boolean }> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let ended = true;
  for await (const chunk of response.body) {
    chunks.push(chunk);
    size += chunk.length;
    // A part is read to its end, which is near: that keeps the connection. A whole file is left where enough is read.
    if (size >= maxBytes && response.status !== 206) {
      ended = size === maxBytes && response.totalSizeBytes === size;
      break;
    }
  }
  return { bytes: new Uint8Array(Buffer.concat(chunks).subarray(0, maxBytes)), ended };
}

type Head = Omit<MediaResponse, "finalUrl" | "body" | "close">;

function readHead(
  answer: Dispatcher.ResponseData,
  url: URL,
  requested: RequestedRange | undefined,
): Head {
  const where = describeUrl(url);
  const { statusCode: status } = answer;
  const validators = {
    etag: header(answer, "etag"),
    lastModified: header(answer, "last-modified"),
  };
  const contentRange = header(answer, "content-range");
  if (status === 416 && requested !== undefined) {
    const parsed = contentRange === null ? null : parseContentRange(contentRange);
    const totalSizeBytes = parsed?.kind === "unsatisfied" ? parsed.totalSizeBytes : null;
    return { status, totalSizeBytes, range: null, ...validators };
  }
  if (status !== 200 && status !== 206) {
    throw statusError(status, header(answer, "retry-after"), where, Date.now());
  }
  const encoding = header(answer, "content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw badResponse(
      `${where}: the body is encoded (${encoding.slice(0, 40)}) though identity was asked for.`,
    );
  }
  if (status === 200) {
    return { status, totalSizeBytes: contentLength(answer), range: null, ...validators };
  }
  if (requested === undefined) {
    throw badResponse(`${where}: the origin answered 206 to a request without a range.`);
  }
  const parsed = contentRange === null ? null : parseContentRange(contentRange);
  if (parsed?.kind !== "range") {
    throw badResponse(`${where}: the origin answered 206 without a usable Content-Range.`);
  }
  const { start, end, totalSizeBytes } = parsed;
  if (start !== requested.start || (requested.end !== undefined && end > requested.end)) {
    throw badResponse(
      `${where}: bytes ${requested.start}-${requested.end ?? ""} were asked for, ${start}-${end} came.`,
    );
  }
  const length = contentLength(answer);
  if (length !== null && length !== end - start + 1) {
    throw badResponse(`${where}: Content-Length ${length} contradicts bytes ${start}-${end}.`);
  }
  return { status, totalSizeBytes, range: { start, end }, ...validators };
}

function bodyBytes(head: Head, answer: Dispatcher.ResponseData): number | null {
  return head.range === null ? contentLength(answer) : head.range.end - head.range.start + 1;
}

async function* readBody(
  answer: Dispatcher.ResponseData,
  where: string,
  expectedBytes: number | null,
  deadline: ReadDeadline,
): AsyncGenerator<Uint8Array, void, undefined> {
  let received = 0;
  try {
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      received += chunk.length;
      if (expectedBytes !== null && received > expectedBytes) {
        throw badResponse(`${where}: more than the announced ${expectedBytes} bytes came.`);
      }
      yield chunk;
    }
  } catch (error) {
    throw toMediaError(error, where, deadline.signal);
  } finally {
    deadline.end();
    answer.body.destroy();
  }
  if (expectedBytes !== null && received < expectedBytes) {
    throw badResponse(`${where}: ${received} of the announced ${expectedBytes} bytes came.`);
  }
}

async function* emptyBody(): AsyncGenerator<Uint8Array, void, undefined> {}

function contentLength(answer: Dispatcher.ResponseData): number | null {
  const text = header(answer, "content-length");
  if (text === null || header(answer, "transfer-encoding") !== null) {
    return null;
  }
  const length = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(length) ? length : null;
}

function header(answer: Dispatcher.ResponseData, name: string): string | null {
  const value = answer.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

function badResponse(message: string): AppError {
  return new AppError("media_bad_response", { message });
}
