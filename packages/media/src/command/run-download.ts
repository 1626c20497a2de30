import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { AppError } from "@reelgate/shared/errors";
import { downloadMedia, type DownloadResult } from "../download/download-media.ts";
import { safePart } from "../storage/object-name.ts";
import { openStorage } from "../storage/open-storage.ts";
import { parseStorageUrl, type StorageTarget } from "../storage/storage-url.ts";
import type { DownloadFlags } from "./command-line.ts";
import type { CommandIo, ExitCode } from "./command-io.ts";
import { printEnd } from "./print-end.ts";
import { createProgressDisplay } from "./progress-display.ts";
import { nameOfTarget, openTarget } from "./targets.ts";

/** Keeps a verified copy, shows how far it is, and prints the report. What is broken is not kept, and exits with 1. */
export async function runDownload(flags: DownloadFlags, io: CommandIo): Promise<ExitCode> {
  return await printEnd(
    flags,
    io,
    async () => {
      const result = await download(flags, io);
      const { report } = result;
      return { report, stored: result.kind === "stored" ? result.stored : "refused" };
    },
    true,
  );
}

async function download(flags: DownloadFlags, io: CommandIo): Promise<DownloadResult> {
  const storage = await openStorage(storageTarget(flags.to), {
    workFolder: join(tmpdir(), "reelgate"),
  });
  const display = createProgressDisplay(io.progress);
  const { client, url } = openTarget(flags.target, flags.allow, {
    perHostConcurrency: flags.hostConcurrency,
    ...(flags.maxMbps === null ? {} : { maxBytesPerSecond: (flags.maxMbps * 1_000_000) / 8 }),
  });
  try {
    return await downloadMedia(client, url, flags.declared, copyNameOf(flags), storage, {
      signal: io.signal,
      onProgress: (figures) => display.update(figures),
    });
  } finally {
    display.stop();
    await client.close();
    await storage.close();
  }
}

/** A path is a folder of this machine; a URL is a storage as `STORAGE_URL` names one. */
function storageTarget(to: string): StorageTarget {
  if (to.trim() === "") {
    throw new AppError("config_invalid", {
      message: "--to is empty. Give a folder, or s3://bucket/prefix?region=…&endpoint=…",
    });
  }
  return parseStorageUrl(
    /^[a-z][a-z0-9+.-]*:\/\//iu.test(to) ? to : pathToFileURL(resolve(to)).href,
  );
}

function copyNameOf({ name, target }: DownloadFlags): string {
  return (name ?? nameOfTarget(target))
    .split("/")
    .map((part) => safePart(part, 200))
    .join("/");
}
