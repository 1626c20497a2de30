import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { QUEUES } from "@reelgate/shared/contract/jobs";
import { AppError, errorMessage } from "@reelgate/shared/errors";
import type { AuditContext } from "./audit-context.ts";
import { withProgress } from "./audit-context.ts";

export interface AcknowledgedFound {
  ids: number;
  settled: number;
  inFlight: number;
  /** Lines that name no callback: other lines of a log. */
  otherLines: number;
}

const BATCH = 1000;

/**
 * Holds callbacks that the outside knows to have been acknowledged against the system: each has an outcome or is in
 * flight (guarantee G2). Redis is read first: what has left it has its outcome committed. The spools of the ingresses
 * are on their disks and out of reach: what waits there looks lost.
 *
 * @param file a path, or `-` for standard input.
 * @throws AppError `usage` when the file cannot be read or names no callback.
 */
export async function checkAcknowledged(
  context: AuditContext,
  file: string,
): Promise<AcknowledgedFound> {
  const found: AcknowledgedFound = { ids: 0, settled: 0, inFlight: 0, otherLines: 0 };
  await withProgress(context, "Acknowledged callbacks", 0, async (update) => {
    let batch: string[] = [];
    for await (const line of linesOf(file, context.io.stdin)) {
      const id = callbackIdIn(line);
      if (id === null) found.otherLines += line.trim() === "" ? 0 : 1;
      else batch.push(id);
      if (batch.length < BATCH) continue;
      await checkBatch(context, batch, found);
      batch = [];
      update(found.ids);
    }
    await checkBatch(context, batch, found);
  });
  if (found.ids === 0) {
    throw new AppError("usage", {
      message: `${file === "-" ? "Standard input" : file} names no callback. Give one id (cb-…) a line, or JSON lines with the member jobId, callbackId or id. The ingress logs accepted callbacks at LOG_LEVEL=debug alone.`,
    });
  }
  return found;
}

async function checkBatch(
  { jobs, catalogue, report }: AuditContext,
  ids: readonly string[],
  found: AcknowledgedFound,
): Promise<void> {
  const glances = await jobs.glance(QUEUES.callbacks, ids);
  const settled = await catalogue.settledAmong(ids);
  found.ids += ids.length;
  for (const { id, place } of glances) {
    if (settled.has(id)) found.settled += 1;
    else if (place === "in_flight") found.inFlight += 1;
    else {
      await report.add({
        kind: "callback_lost",
        id,
        where: "acknowledged",
        detail:
          "it was acknowledged, and has neither an outcome nor an open job; or it waits in the spool of an ingress: see reelgate_ingress_spool_callbacks",
      });
    }
  }
}

async function* linesOf(file: string, stdin: Readable): AsyncIterable<string> {
  const input = file === "-" ? stdin : createReadStream(file);
  try {
    // The stream's own error does not reach the iterator of readline.
    const failed = new Promise<never>((_resolve, reject) => input.once("error", reject));
    failed.catch(() => {});
    const lines = createInterface({ input, crlfDelay: Infinity })[Symbol.asyncIterator]();
    for (;;) {
      const line = await Promise.race([lines.next(), failed]);
      if (line.done === true) return;
      yield line.value;
    }
  } catch (error) {
    throw new AppError("usage", {
      message: `${file} cannot be read: ${errorMessage(error)}`,
      cause: error,
    });
  } finally {
    input.destroy();
  }
}

const CALLBACK_ID = /^cb-[0-9a-f]{64}$/u;

/** The callback that a line names: the id itself, or a JSON object that has it, as the ingress logs it. */
function callbackIdIn(line: string): string | null {
  const text = line.trim();
  if (CALLBACK_ID.test(text)) return text;
  if (!text.startsWith("{")) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  for (const name of ["jobId", "callbackId", "id"]) {
    const id = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (typeof id === "string" && CALLBACK_ID.test(id)) return id;
  }
  return null;
}
