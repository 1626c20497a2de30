import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { OriginFault } from "./media-origin-faults.ts";

/** One answer on its way: what it writes is counted, and waiting ends when the client goes. */
export interface Outgoing {
  readonly response: ServerResponse;
  /** Aborts when the answer is over, for whatever reason. */
  readonly closed: AbortSignal;
  readonly bytesPerSecond: number;
  readonly onSent: (bytes: number) => void;
}

/** Paced answers go out in pieces of this size, so that a reader that leaves has been sent little too much. */
const PACED_PIECE_BYTES = 16_384;

/**
 * An origin that falls behind its pace, because timers are coarse or the machine is busy, makes up for so much of it.
 * To make up for all of a long stall would be to send as fast as the kernel takes it, to a reader that was stalled too.
 */
const MAX_CREDIT_MS = 4;

/**
 * Sends a body at the pace of the reader.
 * @param fileOffset Where in the file the body begins.
 */
export async function sendBody(
  outgoing: Outgoing,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  sizeBytes: number,
  fileOffset: number,
  fault: OriginFault | null,
): Promise<void> {
  const { response } = outgoing;
  response.flushHeaders();
  const stopAt = stopByte(fault, sizeBytes, fileOffset);
  if (fault?.kind === "drop" && fault.atByte === 0) {
    end(response, fault);
    return;
  }
  const written = await write(outgoing, pieces, stopAt ?? Number.POSITIVE_INFINITY, fault);
  if (stopAt === null) {
    response.end();
  } else if (fault?.kind !== "stall") {
    // A reset takes back what the kernel does not have yet.
    await written.flushed;
    end(response, fault);
  }
}

/** Where in the body the fault strikes, or null. */
function stopByte(fault: OriginFault | null, sizeBytes: number, fileOffset: number): number | null {
  switch (fault?.kind) {
    case "stall":
    case "drop":
      return fault.atByte;
    case "drop-every": {
      const next = fault.everyBytes - (fileOffset % fault.everyBytes);
      return next < sizeBytes ? next : null;
    }
    default:
      return null;
  }
}

function end(response: ServerResponse, fault: OriginFault | null): void {
  if (fault?.kind === "drop" && fault.how === "close") {
    response.socket?.destroy();
  } else {
    response.socket?.resetAndDestroy();
  }
}

async function write(
  outgoing: Outgoing,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  limitBytes: number,
  fault: OriginFault | null,
): Promise<{ flushed: Promise<void> }> {
  const { response, bytesPerSecond } = outgoing;
  const paced = Number.isFinite(bytesPerSecond);
  const pieceBytes =
    fault?.kind === "slow"
      ? fault.chunkBytes
      : paced
        ? PACED_PIECE_BYTES
        : Number.POSITIVE_INFINITY;
  let dueMs = performance.now();
  let sent = 0;
  let flushed = Promise.resolve();
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length && sent < limitBytes;) {
      const part = piece.subarray(at, at + Math.min(pieceBytes, limitBytes - sent));
      if (fault?.kind === "slow") {
        await pause(outgoing, fault.intervalMs);
      } else if (paced) {
        const nowMs = performance.now();
        dueMs = Math.max(dueMs, nowMs - MAX_CREDIT_MS) + (part.length / bytesPerSecond) * 1000;
        await pause(outgoing, dueMs - nowMs);
      }
      if (response.destroyed) {
        return { flushed };
      }
      at += part.length;
      sent += part.length;
      outgoing.onSent(part.length);
      let hasRoom = true;
      flushed = new Promise((resolve) => {
        hasRoom = response.write(part, () => resolve());
      });
      if (!hasRoom) {
        await once(response, "drain", { signal: outgoing.closed }).catch(() => {});
      }
    }
    if (sent >= limitBytes || response.destroyed) {
      break;
    }
  }
  return { flushed };
}

async function pause({ closed }: Outgoing, delayMs: number): Promise<void> {
  if (delayMs > 0) {
    await sleep(delayMs, undefined, { signal: closed }).catch(() => {});
  }
}

/** Waits before the headers of an answer. */
export async function addLatency(outgoing: Outgoing, latencyMs: number): Promise<void> {
  await pause(outgoing, latencyMs);
}

/** Writes for ever. */
export async function pour(outgoing: Outgoing, start: Uint8Array): Promise<void> {
  const block = randomBytes(65_536);
  function* endless(): Generator<Uint8Array> {
    yield start;
    for (;;) {
      yield block;
    }
  }
  await write(outgoing, endless(), Number.POSITIVE_INFINITY, null);
}
