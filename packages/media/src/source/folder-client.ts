import { constants, realpathSync } from "node:fs";
import { type FileHandle, open as openHandle, realpath, stat } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError, type ErrorCode } from "@reelgate/shared/errors";
import { describeUrl } from "../http/describe-url.ts";
import type { MediaClient, OpenOptions, Prefix } from "../http/media-client.ts";
import { type MediaResponse, takeBytes } from "../http/media-response.ts";
import { type ReadDeadline, startDeadline } from "../http/read-deadline.ts";

/**
 * Each read costs a turn of the thread pool: of a copy of 500 MB, pieces of 64 KiB take 1.8 s to look through, of 512 KiB
 * and with the next one read ahead 0.6 s. Larger ones cost memory and gain little.
 */
const PIECE_BYTES = 524_288;

/**
 * A client that reads `file:` URLs inside one folder and nothing else, so that whatever looks at media over HTTP also
 * looks at local files and at local copies of HLS recordings. Answers look like those of an origin that takes ranges
 * and has a strong ETag (size, time of change and inode).
 *
 * A reference that leaves the folder is `media_url_forbidden`, by its path as well as through a symbolic link: the
 * playlist of a copy is as foreign as that of an origin.
 *
 * @param root The folder.
 * @throws AppError `media_not_found` or `media_forbidden` when there is no such folder.
 */
export function createFolderClient(root: string): MediaClient {
  const rootPath = resolve(root);
  const realRoot = realPathOf(rootPath);
  let isClosed = false;

  function check(reference: string, base?: URL): URL {
    const url = URL.parse(reference, base?.href);
    if (url === null || url.protocol !== "file:") {
      throw forbidden("The reference is no file: URL.");
    }
    const path = pathOf(url);
    if (path === null || !isInside(path, rootPath)) {
      throw forbidden(`${describeUrl(url)} is not inside the folder.`);
    }
    url.hash = "";
    return url;
  }

  async function open(url: string | URL, options: OpenOptions = {}): Promise<MediaResponse> {
    const checked = check(String(url));
    const where = describeUrl(checked);
    const deadline = startDeadline(options.totalTimeoutMs ?? null, where, options.signal);
    let handle: FileHandle | null = null;
    try {
      deadline.signal.throwIfAborted();
      handle = await openInside(fileURLToPath(checked), realRoot, where);
      return await answer(handle, checked, options, deadline, () => isClosed);
    } catch (error) {
      await handle?.close();
      deadline.end();
      throw toMediaError(error, where);
    }
  }

  async function readPrefix(
    url: string | URL,
    maxBytes: number,
    signal?: AbortSignal,
  ): Promise<Prefix> {
    const response = await open(url, {
      range: { start: 0, end: maxBytes - 1 },
      ...(signal === undefined ? {} : { signal }),
    });
    const { status, finalUrl, totalSizeBytes, etag, lastModified } = response;
    const { bytes } = await takeBytes(response, maxBytes);
    return { status, finalUrl, totalSizeBytes, etag, lastModified, bytes };
  }

  return {
    check,
    open,
    readPrefix,
    async close(): Promise<void> {
      isClosed = true;
    },
  };
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw toMediaError(error, path);
  }
}

/** The path of a `file:` URL; null for one with a host, an encoded slash or an encoded NUL. */
function pathOf(url: URL): string | null {
  try {
    const path = fileURLToPath(url);
    return path.includes("\0") ? null : resolve(path);
  } catch {
    return null;
  }
}

function isInside(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

async function openInside(path: string, realRoot: string, where: string): Promise<FileHandle> {
  const realPath = await realpath(path);
  if (!isInside(realPath, realRoot)) {
    throw forbidden(`${where} leads out of the folder.`);
  }
  if (!(await stat(realPath)).isFile()) {
    throw new AppError("media_not_found", { message: `${where} is not a file.` });
  }
  // The path is real by now: a link or a pipe that takes its place meanwhile is neither followed nor waited for.
  return await openHandle(
    realPath,
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  );
}

async function answer(
  handle: FileHandle,
  finalUrl: URL,
  { range, ifRange }: OpenOptions,
  deadline: ReadDeadline,
  isClosed: () => boolean,
): Promise<MediaResponse> {
  const { size, mtimeNs, mtime, ino } = await handle.stat({ bigint: true });
  const totalSizeBytes = Number(size);
  const etag = `"${size}-${mtimeNs}-${ino}"`;
  const lastModified = mtime.toUTCString();
  const isSame = ifRange === undefined || ifRange === etag || ifRange === lastModified;
  const asked = isSame ? range : undefined;
  const end = Math.min(asked?.end ?? Number.POSITIVE_INFINITY, totalSizeBytes - 1);
  const head = { finalUrl, totalSizeBytes, etag, lastModified };

  async function close(): Promise<void> {
    deadline.end();
    // Closing twice is an error of the handle, not of the caller.
    await handle.close().catch(() => {});
  }
  if (asked !== undefined && asked.start >= totalSizeBytes) {
    await close();
    return { ...head, status: 416, range: null, body: emptyBody(), close };
  }
  const start = asked?.start ?? 0;

  async function readPiece(position: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, end + 1 - position));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) {
      throw new AppError("media_bad_response", {
        message: `${describeUrl(finalUrl)}: the file became shorter while it was read.`,
      });
    }
    return buffer.subarray(0, bytesRead);
  }

  async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      let next: Promise<Uint8Array> | null = null;
      for (let position = start; position <= end;) {
        deadline.signal.throwIfAborted();
        if (isClosed()) {
          throw new AppError("media_connection_failed", { message: "The client was closed." });
        }
        const piece: Uint8Array = await (next ?? readPiece(position));
        position += piece.length;
        next = position <= end ? readPiece(position) : null;
        // Whoever stops here never asks for it: then its failure is nobody's.
        next?.catch(() => {});
        yield piece;
      }
    } catch (error) {
      throw toMediaError(error, describeUrl(finalUrl));
    } finally {
      await close();
    }
  }
  return asked === undefined
    ? { ...head, status: 200, range: null, body: read(), close }
    : { ...head, status: 206, range: { start, end }, body: read(), close };
}

async function* emptyBody(): AsyncGenerator<Uint8Array, void, undefined> {}

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "media_not_found",
  ENOTDIR: "media_not_found",
  ELOOP: "media_not_found",
  ENAMETOOLONG: "media_not_found",
  EACCES: "media_forbidden",
  EPERM: "media_forbidden",
};

/** Errors without a code of the system are returned as they are: AppErrors, and the reasons of signals. */
function toMediaError(error: unknown, where: string): unknown {
  if (!(error instanceof Error) || error instanceof AppError || !("syscall" in error)) {
    return error;
  }
  const code = "code" in error ? String(error.code) : "";
  return new AppError(CODES[code] ?? "media_origin_error", {
    message: `${where}: the file cannot be read (${code}).`,
    cause: error,
  });
}

function forbidden(message: string): AppError {
  return new AppError("media_url_forbidden", { message });
}
