import type { MediaReport } from "@reelgate/shared/contract/media";
import { indexMedia } from "../index-media.ts";
import type { IndexFlags } from "./command-line.ts";
import type { CommandIo, ExitCode } from "./command-io.ts";
import { printEnd } from "./print-end.ts";
import { openTarget } from "./targets.ts";

/** Looks at a recording where it is, prints the report, and says by the exit code whether it is broken. */
export async function runIndex(flags: IndexFlags, io: CommandIo): Promise<ExitCode> {
  return await printEnd(flags, io, async () => ({
    report: await look(flags, io.signal),
    stored: null,
  }));
}

async function look(flags: IndexFlags, signal: AbortSignal): Promise<MediaReport> {
  const { client, url } = openTarget(flags.target, flags.allow);
  try {
    return await indexMedia(client, url, flags.declared, {
      segments: flags.segments,
      isThorough: flags.isThorough,
      // Whoever asks for every byte of a file has decided over how many there may be.
      ...(flags.isThorough ? { maxFetchedBytes: Number.MAX_SAFE_INTEGER } : {}),
      totalTimeoutMs: flags.timeoutMs,
      signal,
    });
  } finally {
    await client.close();
  }
}
