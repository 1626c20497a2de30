import type { AudioTrack, VideoTrack } from "@reelgate/shared/contract/media";
import { id3TagBytes } from "../container/adts/id3-tag.ts";
import { indexMp4 } from "../container/mp4/index-mp4.ts";
import { findAdts, readAc3, readMpegAudio } from "../container/mpegts/audio-header.ts";
import { readTransportStream } from "../container/mpegts/read-transport-stream.ts";
import type { MediaClient } from "../http/media-client.ts";
import { bytesSource } from "../source/bytes-source.ts";
import { DESCRIBED_STREAM_BYTES, type PartState } from "./check-segments.ts";
import type { SegmentFormat } from "./inspect-segment.ts";
import { readFilePart } from "./read-part.ts";
import { decryptHead } from "./segment-cipher.ts";

/** What is in the segments, by the names of ffprobe. */
export interface SegmentDetails {
  video: VideoTrack | null;
  audio: AudioTrack | null;
  /** What of it could not be read, as a sentence; null when nothing is missing. */
  gap: string | null;
}

const NOTHING: SegmentDetails = { video: null, audio: null, gap: null };

const NO_BYTES: Uint8Array = new Uint8Array();

type Present = Extract<PartState, { kind: "present" }>;

/** The most that is read of the first segment: sound may begin far behind the first picture of a high rate. */
const MAX_DESCRIBED_BYTES = 524_288;

const MAX_INIT_BYTES = 65_536;

/**
 * Describes the tracks by the beginning of one segment, with its init section where it has one. Reads on, up to 512 KiB,
 * while a track of a transport stream is not complete.
 *
 * @param init State of the segment's init section; null when it has none.
 * @throws AppError as `MediaClient.open` does; the reason of the signal.
 */
export async function describeSegment(
  client: MediaClient,
  segment: Present,
  init: PartState | null,
  signal: AbortSignal,
): Promise<SegmentDetails> {
  const { format } = segment;
  if (format === null) {
    return nothing(segment.unseen ?? "no segment shows what it is");
  }
  let wanted = DESCRIBED_STREAM_BYTES;
  let head = segment.head ?? (await readOn(client, segment, NO_BYTES, wanted, signal));
  if (format !== "mpegts") {
    return await describeHead(client, format, head, init, signal);
  }
  let start = readTransportStream(head);
  // A head that is shorter than what was asked for is the whole segment.
  while (
    start.wantsMore &&
    wanted < MAX_DESCRIBED_BYTES &&
    head.length >= wanted - AES_SLACK_BYTES
  ) {
    wanted *= 2;
    head = await readOn(client, segment, head, wanted, signal);
    start = readTransportStream(head);
  }
  const { video, audio, unread } = start;
  if (unread.length > 0) {
    return { video, audio, gap: unreadText(unread.join(" and ")) };
  }
  return video === null && audio === null
    ? nothing("the first segment announces no track")
    : { video, audio, gap: null };
}

/** A decrypted head may be so much shorter than what was asked for. */
const AES_SLACK_BYTES = 16;

/** The first bytes of a segment, of which `head` is known. What is encrypted is read again: CBC needs the block before. */
async function readOn(
  client: MediaClient,
  { part, cipher }: Present,
  head: Uint8Array,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { file, byteRange } = part;
  const from = cipher === null ? head.length : 0;
  const length = Math.min(maxBytes, byteRange?.length ?? maxBytes) - from;
  const start = (byteRange?.offset ?? 0) + from;
  const read = length <= 0 ? null : await readFilePart(client, file.url, start, length, signal);
  const served = read?.bytes ?? NO_BYTES;
  return cipher === null
    ? new Uint8Array(Buffer.concat([head, served]))
    : decryptHead(served, cipher);
}

async function describeHead(
  client: MediaClient,
  format: Exclude<SegmentFormat, "mpegts">,
  head: Uint8Array,
  init: PartState | null,
  signal: AbortSignal,
): Promise<SegmentDetails> {
  switch (format) {
    case "fmp4":
      return await describeFragments(client, head, init, signal);
    case "aac":
      return soundOnly(findAdts(withoutTag(head)));
    case "mp3":
      return soundOnly(readMpegAudio(withoutTag(head)));
    case "ac3":
      return soundOnly(readAc3(withoutTag(head)));
    case "webvtt":
      return NOTHING;
    default:
      return format satisfies never;
  }
}

/** A segment behind its init section reads like the beginning of a fragmented file (RFC 8216, 3.3). */
async function describeFragments(
  client: MediaClient,
  head: Uint8Array,
  init: PartState | null,
  signal: AbortSignal,
): Promise<SegmentDetails> {
  if (init !== null && (init.kind === "missing" || init.problem !== null)) {
    // That has its own finding.
    return NOTHING;
  }
  if (init !== null && init.unseen !== null) {
    return nothing("the init section cannot be read");
  }
  // Kept of the first segment's alone: a playlist may name thousands.
  const initHead =
    init === null
      ? null
      : (init.head ?? (await readOn(client, init, NO_BYTES, MAX_INIT_BYTES, signal)));
  const bytes = new Uint8Array(Buffer.concat([initHead ?? new Uint8Array(), head]));
  const { video, audio } = await indexMp4(bytesSource(bytes), signal);
  return video === null && audio === null
    ? nothing("the init section describes no track that can be read")
    : { video, audio, gap: null };
}

function withoutTag(head: Uint8Array): Uint8Array {
  return head.subarray(id3TagBytes(head, 0));
}

function soundOnly(audio: AudioTrack | null): SegmentDetails {
  return audio === null
    ? nothing("no frame of sound was found")
    : { video: null, audio, gap: null };
}

function nothing(why: string): SegmentDetails {
  return { video: null, audio: null, gap: `Codecs are not known: ${why}.` };
}

function unreadText(tracks: string): string {
  return `Codecs are not all known: ${tracks} could not be read.`;
}
