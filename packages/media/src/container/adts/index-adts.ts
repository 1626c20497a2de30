import type { AudioTrack, Finding } from "@reelgate/shared/contract/media";
import { AAC_SAMPLE_RATES_HZ, aacChannels } from "../../codec/audio-specific-config.ts";
import { startTurns } from "../../concurrency/event-loop-turns.ts";
import type { ByteSource } from "../../source/byte-source.ts";
import type { ContainerReport } from "../container-report.ts";
import { tallyLostBytes } from "../lost-bytes.ts";
import { channelsOfProgramConfig } from "./channels-in-stream.ts";
import { findAudioEnd } from "./end-tags.ts";
import { createFrameScanner, type FrameScanner, type ScannedFrames } from "./frame-scanner.ts";
import { ID3_HEADER_BYTES, id3TagBytes } from "./id3-tag.ts";

export interface AdtsOptions {
  /** Bytes of the file that are scanned at most. Default 64 MiB, some two hours of 64 kbit/s. */
  maxScanBytes?: number;
}

const DEFAULT_MAX_SCAN_BYTES = 67_108_864;

/** Behind the last whole frame. More is no line end and no padding, but frames that were destroyed. */
const MAX_TRAILER_BYTES = 1024;

/** Bytes that are scanned in one go, far less than a turn of the event loop takes. */
const STEP_BYTES = 65_536;

/**
 * Reads AAC in ADTS frames (ISO/IEC 14496-3, annex 1.A) by scanning the header of each: a frame lasts 1,024 samples for
 * each raw data block, and nothing else in the file tells its duration. Tags at both ends are passed over.
 *
 * Beyond `maxScanBytes` the duration is estimated from what was scanned, and a finding says so. The sampling frequency is
 * that of the headers: for HE-AAC players show twice of it.
 *
 * @throws AppError of the source; the reason of the signal.
 */
export async function indexAdts(
  source: ByteSource,
  signal: AbortSignal,
  { maxScanBytes = DEFAULT_MAX_SCAN_BYTES }: AdtsOptions = {},
): Promise<ContainerReport> {
  const start = await findAudioStart(source);
  if (start > source.sizeBytes) {
    return unreadable(cutInTag(start, source.sizeBytes));
  }
  const audioEnd = await findAudioEnd(source, start);
  const stop = Math.min(audioEnd, start + maxScanBytes);
  const lost = tallyLostBytes("no AAC frame");
  let trailerBytes = 0;
  const scanner = createFrameScanner(start, audioEnd, (run) => {
    if (run.offset + run.bytes === audioEnd && run.bytes <= MAX_TRAILER_BYTES) {
      trailerBytes = run.bytes;
    } else {
      lost.add(run);
    }
  });
  await scan(source, start, stop, scanner, signal);
  const isWhole = stop === audioEnd;
  if (isWhole) {
    scanner.finish();
  }
  const { found } = scanner;
  if (found.first === null) {
    return unreadable(
      found.cut === null ? NO_FRAME : cutInFrame(found.cut, found, source.sizeBytes),
    );
  }
  const audio = await describeAudio(source, found.first);
  const share = isWhole ? 1 : (audioEnd - start) / (found.position - start);
  return {
    durationS: found.durationS * share,
    durationIsExact: isWhole,
    video: null,
    audio,
    completeness: found.cut === null ? "unknown" : "truncated",
    findings: [
      ...(found.cut === null ? [] : [cutInFrame(found.cut, found, source.sizeBytes)]),
      ...lost.findings(),
      ...(trailerBytes === 0 ? [] : [trailer(trailerBytes, audioEnd)]),
      ...(isWhole ? [] : [notAllScanned(stop - start, audioEnd - start)]),
      ...(audio === null ? [UNKNOWN_CHANNELS] : []),
    ],
  };
}

/** Tags before the first frame that are passed over. One is what writers write. */
const MAX_START_TAGS = 16;

async function findAudioStart(source: ByteSource): Promise<number> {
  let start = 0;
  for (let tag = 0; tag < MAX_START_TAGS && start < source.sizeBytes; tag += 1) {
    const tagBytes = id3TagBytes(await source.read(start, ID3_HEADER_BYTES), 0);
    if (tagBytes === 0) {
      break;
    }
    start += tagBytes;
  }
  return start;
}

async function scan(
  source: ByteSource,
  start: number,
  stop: number,
  scanner: FrameScanner,
  signal: AbortSignal,
): Promise<void> {
  const turns = startTurns(signal);
  let position = start;
  for await (const piece of position < stop ? source.stream(position) : []) {
    for (let from = 0; from < piece.length && position < stop; from += STEP_BYTES) {
      const step = piece.subarray(from, Math.min(from + STEP_BYTES, from + stop - position));
      scanner.push(step);
      position += step.length;
      if (turns.isOver()) {
        await turns.next();
      }
    }
    if (position >= stop) {
      return;
    }
  }
}

/** Null when the headers do not tell the channels, and the first frame does not either. */
async function describeAudio(
  source: ByteSource,
  { offset, header }: NonNullable<ScannedFrames["first"]>,
): Promise<AudioTrack | null> {
  const sampleRateHz = AAC_SAMPLE_RATES_HZ[header.samplingIndex] ?? 0;
  let channels = aacChannels(header.channelConfiguration);
  if (channels === null) {
    const frame = await source.read(offset, header.frameBytes);
    channels = channelsOfProgramConfig(frame.subarray(header.headerBytes));
  }
  return channels === null ? null : { codec: "aac", sampleRateHz, channels };
}

function unreadable(finding: Finding): ContainerReport {
  return {
    durationS: null,
    durationIsExact: false,
    video: null,
    audio: null,
    completeness: finding.kind === "truncated" ? "truncated" : "unknown",
    findings: [finding],
  };
}

const NO_FRAME: Finding = {
  kind: "damaged",
  declared: null,
  actual: null,
  detail: "There is not one AAC frame in the file.",
};

const UNKNOWN_CHANNELS: Finding = {
  kind: "not_fully_checked",
  declared: null,
  actual: null,
  detail: "Neither the headers nor the first frame tell how many channels there are.",
};

function cutInTag(neededBytes: number, sizeBytes: number): Finding {
  return {
    kind: "truncated",
    declared: neededBytes,
    actual: sizeBytes,
    detail: `The file ends within the ID3 tag at its beginning: ${neededBytes - sizeBytes} bytes of that are missing, and all of the audio.`,
  };
}

function cutInFrame(
  { offset, neededBytes }: NonNullable<ScannedFrames["cut"]>,
  { durationS }: ScannedFrames,
  sizeBytes: number,
): Finding {
  const missing = neededBytes - sizeBytes;
  return {
    kind: "truncated",
    declared: neededBytes,
    actual: sizeBytes,
    detail: `The last frame, at byte ${offset}, is cut off${missing > 0 ? `: at least ${missing} bytes are missing` : ""}. What is there plays for ${durationS.toFixed(3)} s.`,
  };
}

function trailer(bytes: number, audioEnd: number): Finding {
  return {
    kind: "not_fully_checked",
    declared: audioEnd - bytes,
    actual: audioEnd,
    detail: `The ${bytes} bytes from ${audioEnd - bytes} on, behind the last frame, belong to nothing.`,
  };
}

function notAllScanned(scannedBytes: number, audioBytes: number): Finding {
  return {
    kind: "not_fully_checked",
    declared: audioBytes,
    actual: scannedBytes,
    detail: `Frames were counted in the first ${scannedBytes} of ${audioBytes} bytes of audio; the duration is an estimate by their mean rate.`,
  };
}
