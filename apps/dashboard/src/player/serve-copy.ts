import { pipeline } from "node:stream/promises";
import type { Request, Response } from "express";
import { contentTypeOf } from "@reelgate/media/storage/content-type";
import { isFolderCopy, PLAYLIST_NAME } from "@reelgate/media/storage/copy-place";
import type { StoredCopies, StoredFile } from "@reelgate/media/storage/stored-copies";
import { AppError } from "@reelgate/shared/errors";
import { answerError } from "../error-answer.ts";
import { isSameVersion, rangeOf } from "./byte-range.ts";
import { isWantedVersion } from "./preconditions.ts";

/** Each holds a connection and a file, and half a megabyte of what the client has not taken yet. */
const MAX_READERS = 64;

export interface CopyServerOptions {
  /** Null: no storage is configured. */
  copies: StoredCopies | null;
  /** Ends what is being read when the dashboard stops. */
  stopping: AbortSignal;
  onReadFailed: (error: unknown) => void;
}

export interface CopyRequest {
  /** The URL of the copy in the catalogue. */
  storedUrl: string;
  /** The file of an HLS copy that is asked for. Untrusted. */
  file: string | null;
  isDownload: boolean;
}

/** Answers requests for the bytes of stored copies. */
export type CopyServer = (
  request: Request,
  response: Response,
  wanted: CopyRequest,
) => Promise<void>;

export function createCopyServer(options: CopyServerOptions): CopyServer {
  const { copies, stopping, onReadFailed } = options;
  let readers = 0;
  return async (request, response, wanted) => {
    if (copies === null) {
      answerError(
        response,
        "copy_not_found",
        "The dashboard has no STORAGE_URL to read copies of.",
      );
      return;
    }
    if (wanted.file === null && isFolderCopy(wanted.storedUrl)) {
      // From there on a player finds the segments beside it.
      const query = wanted.isDownload ? "?download=1" : "";
      response.status(302).set("Location", `copy/${PLAYLIST_NAME}${query}`).end();
      return;
    }
    // Left while the catalogue was asked: its "close" was before anybody listened.
    if (response.closed) return;
    if (readers >= MAX_READERS) {
      answerError(response, "copy_unavailable", "Too many copies are being read at this moment.");
      return;
    }
    readers += 1;
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const signal = AbortSignal.any([gone.signal, stopping]);
    try {
      await using found = await copies.find(wanted.storedUrl, wanted.file, signal);
      if (found === null) answerError(response, "copy_not_found");
      else await sendFile(request, response, found, { ...wanted, signal, onReadFailed });
    } catch (error) {
      // Who has gone needs no answer, a stop cuts the connection, and half a file cannot be taken back.
      if (signal.aborted || response.headersSent || response.destroyed) response.destroy();
      else if (!(error instanceof AppError)) throw error;
      else {
        onReadFailed(error);
        for (const header of ["ETag", "Last-Modified"]) response.removeHeader(header);
        answerError(response, "copy_unavailable");
      }
    } finally {
      readers -= 1;
    }
  };
}

async function sendFile(
  request: Request,
  response: Response,
  found: StoredFile,
  wanted: CopyRequest & Pick<CopyServerOptions, "onReadFailed"> & { signal: AbortSignal },
): Promise<void> {
  const { signal, onReadFailed } = wanted;
  response.set({ ETag: found.etag, "Last-Modified": found.modifiedAt.toUTCString() });
  if (!isWantedVersion(request.headers, found)) {
    answerError(response, "precondition_failed");
    return;
  }
  if (request.fresh) {
    response.status(304).end();
    return;
  }
  // No range has a meaning but for GET, nor for another version than the one that the client has a part of.
  const isPartial =
    request.method === "GET" && isSameVersion(request.headers["if-range"]?.toString(), found);
  const range = rangeOf(isPartial ? request.headers.range : undefined, found.sizeBytes);
  if (range.kind === "unsatisfiable") {
    response.set("Content-Range", `bytes */${found.sizeBytes}`);
    answerError(response, "range_not_satisfiable");
    return;
  }
  const span = range.kind === "part" ? range : { first: 0, last: found.sizeBytes - 1 };
  const length = span.last - span.first + 1;
  const body = request.method === "HEAD" || length === 0 ? null : await found.read(span);
  // Not before: a storage that refuses is answered in JSON.
  response.set({ ...describe(wanted), "Accept-Ranges": "bytes", "Content-Length": String(length) });
  if (range.kind === "part") {
    response.status(206);
    response.set("Content-Range", `bytes ${span.first}-${span.last}/${found.sizeBytes}`);
  }
  if (body === null) response.end();
  else {
    const whole = (bytes: AsyncIterable<Buffer>): AsyncIterable<Buffer> =>
      wholeOf(bytes, length, (error) => {
        if (!signal.aborted || !isLeaving(error)) onReadFailed(error);
      });
    await pipeline(body, whole, response, { signal });
  }
}

/**
 * Hands bytes on, and throws when they end early: the client would wait for the rest.
 *
 * A failure is told from here, since the pipeline closes the connection before it throws: after it, a storage that
 * failed looks like a client that left.
 */
async function* wholeOf(
  bytes: AsyncIterable<Buffer>,
  length: number,
  onFailed: (error: unknown) => void,
): AsyncGenerator<Buffer> {
  let sentBytes = 0;
  try {
    for await (const chunk of bytes) {
      sentBytes += chunk.length;
      yield chunk;
    }
    if (sentBytes < length) throw new Error(`the copy ended after ${sentBytes} of ${length} bytes`);
  } catch (error) {
    onFailed(error);
    throw error;
  }
}

/** Whether a stream failed only because the other end of its pipeline went away. */
function isLeaving(error: unknown): boolean {
  const { name, code } = error as NodeJS.ErrnoException;
  return name === "AbortError" || code === "ERR_STREAM_PREMATURE_CLOSE";
}

function describe({ storedUrl, file, isDownload }: CopyRequest): Record<string, string> {
  const name = file ?? storedUrl.slice(storedUrl.lastIndexOf("/") + 1);
  const plainName = name.replaceAll(/[^A-Za-z0-9._-]/gu, "_");
  return {
    "Content-Type": contentTypeOf(name),
    "Content-Disposition": `${isDownload ? "attachment" : "inline"}; filename="${plainName}"`,
  };
}
