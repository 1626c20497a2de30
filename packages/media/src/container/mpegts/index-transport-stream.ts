import type { Finding } from "@reelgate/shared/contract/media";
import { startTurns } from "../../concurrency/event-loop-turns.ts";
import type { ByteSource } from "../../source/byte-source.ts";
import type { ContainerReport, ReadOptions } from "../container-report.ts";
import { TS_PACKET_BYTES } from "./packet.ts";
import { readTransportStream, type TransportStreamStart } from "./read-transport-stream.ts";
import { createContinuityWatch } from "./continuity-watch.ts";
import { createSyncChecker, type SyncChecker } from "./sync-checker.ts";

const WINDOW_BYTES = 65_536;
/** A first picture of a high rate may lie before the first sound. */
const MAX_HEAD_BYTES = 524_288;

/**
 * Reads a transport stream that is a file of its own (ISO/IEC 13818-1): none of the formats that the provider records,
 * but what a playlist or an extension that is wrong may lead to. Tells its tracks by its beginning, and checks the sync
 * bytes of its first and last 64 KiB; of every packet when thorough.
 *
 * How long it plays is not measured, and nothing in it tells where it ends: a finding says so.
 *
 * @throws AppError of the source; the reason of the signal.
 */
export async function indexTransportStream(
  source: ByteSource,
  signal: AbortSignal,
  { isThorough = false }: ReadOptions = {},
): Promise<ContainerReport> {
  const { sizeBytes } = source;
  const start = await readStart(source);
  const { lostAt, gapAt } = isThorough
    ? await checkAll(source, signal)
    : { lostAt: await checkEnds(source), gapAt: null };
  const cutBytes = sizeBytes % TS_PACKET_BYTES;
  const isEmpty = start.video === null && start.audio === null && start.unread.length === 0;
  return {
    durationS: null,
    durationIsExact: false,
    video: start.video,
    audio: start.audio,
    completeness: cutBytes === 0 ? "unknown" : "truncated",
    findings: [
      ...(cutBytes === 0 ? [] : [cutInPacket(sizeBytes, cutBytes)]),
      ...(lostAt === null ? [] : [noSync(lostAt)]),
      ...(lostAt !== null || gapAt === null ? [] : [missingPackets(gapAt)]),
      ...(isEmpty && lostAt === null ? [NO_TRACKS] : []),
      notMeasured(start, isThorough),
    ],
  };
}

async function readStart(source: ByteSource): Promise<TransportStreamStart> {
  for (let length = WINDOW_BYTES; ; length *= 2) {
    const head = await source.read(0, length, { fetchBytes: length });
    const start = readTransportStream(head);
    if (!start.wantsMore || length >= MAX_HEAD_BYTES || head.length < length) {
      return start;
    }
  }
}

async function checkEnds(source: ByteSource): Promise<number | null> {
  const head = await checkWindow(source, 0);
  const tailStart = Math.max(0, source.sizeBytes - WINDOW_BYTES);
  return head ?? (await checkWindow(source, tailStart - (tailStart % TS_PACKET_BYTES)));
}

async function checkWindow(source: ByteSource, offset: number): Promise<number | null> {
  const checker = createSyncChecker(offset);
  checker.push(await source.read(offset, WINDOW_BYTES + TS_PACKET_BYTES));
  return checker.lostAt;
}

async function checkAll(
  source: ByteSource,
  signal: AbortSignal,
): Promise<{ lostAt: number | null; gapAt: number | null }> {
  const turns = startTurns(signal);
  const checker: SyncChecker = createSyncChecker();
  const continuity = createContinuityWatch();
  for await (const piece of source.stream(0)) {
    checker.push(piece);
    continuity.push(piece);
    if (turns.isOver()) {
      await turns.next();
    }
  }
  return { lostAt: checker.lostAt, gapAt: continuity.gapAt() };
}

function missingPackets(offset: number): Finding {
  return {
    kind: "damaged",
    declared: null,
    actual: offset,
    detail: `Before byte ${offset} packets are missing, as the counters of the others show.`,
  };
}

function cutInPacket(sizeBytes: number, cutBytes: number): Finding {
  return {
    kind: "truncated",
    declared: sizeBytes - cutBytes + TS_PACKET_BYTES,
    actual: sizeBytes,
    detail: `The file ends within a packet: of ${TS_PACKET_BYTES} bytes ${cutBytes} are there.`,
  };
}

function noSync(offset: number): Finding {
  return {
    kind: "damaged",
    declared: null,
    actual: offset,
    detail: `At byte ${offset} a packet must begin, and there is no sync byte.`,
  };
}

const NO_TRACKS: Finding = {
  kind: "damaged",
  declared: null,
  actual: null,
  detail: "There is no program with pictures or sound at the beginning of the file.",
};

function notMeasured({ unread }: TransportStreamStart, isThorough: boolean): Finding {
  const others = unread.length === 0 ? "" : ` Not described: ${unread.join(", ")}.`;
  const middle = isThorough ? "" : ", and its packets only at both ends";
  return {
    kind: "not_fully_checked",
    declared: null,
    actual: null,
    detail: `A transport stream on its own is not measured: how long it plays is not known${middle}, and nothing in it tells whether its end is missing.${others}`,
  };
}
