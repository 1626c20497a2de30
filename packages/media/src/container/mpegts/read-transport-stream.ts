import type { AudioTrack, VideoTrack } from "@reelgate/shared/contract/media";
import type { VideoParameters } from "../../codec/video-parameters.ts";
import { findAdts, readAc3, readMpegAudio } from "./audio-header.ts";
import { type TransportPacket, transportPackets } from "./packet.ts";
import { findParameterSet } from "./parameter-set.ts";
import { parsePesHeader, PES_TICKS_PER_SECOND, PES_TICKS_WRAP } from "./pes-header.ts";
import { createProgramMapReader, type ElementaryStream } from "./program-map.ts";

/** What the beginning of a transport stream tells. */
export interface TransportStreamStart {
  video: VideoTrack | null;
  audio: AudioTrack | null;
  /** Announced pictures or sound that could not be described, for people: "h264", "stream type 0x42". */
  unread: readonly string[];
  /** More bytes may tell more: a track is not described yet, or its frame rate rests on few frames. */
  wantsMore: boolean;
}

type VideoCodec = "h264" | "hevc";

/** Stream types (ISO/IEC 13818-1, table 2-34; ATSC A/53 for AC-3). */
const VIDEO_TYPES: Readonly<Record<number, VideoCodec>> = { 0x1b: "h264", 0x24: "hevc" };
const AUDIO_TYPES: Readonly<Record<number, (bytes: Uint8Array) => AudioTrack | null>> = {
  0x03: readMpegAudio,
  0x04: readMpegAudio,
  0x0f: findAdts,
  0x81: readAc3,
  0x87: readAc3,
};
/** Pictures and sound that are not read: MPEG-2 and MPEG-4 video, VVC, AVS, LATM, and what SAMPLE-AES encrypts. */
const OTHER_MEDIA_TYPES: ReadonlySet<number> = new Set([
  0x01, 0x02, 0x10, 0x11, 0x33, 0x42, 0xc1, 0xc2, 0xcf, 0xd2, 0xdb,
]);

/** Parameter sets and the first frame of sound stand at the beginning of a PES packet. */
const COLLECTED_BYTES = 8192;
/** With fewer frames the rounding of timestamps to milliseconds is more than 1 % of their distance. */
const ENOUGH_FRAMES = 8;

/**
 * Describes the first video and the first audio stream of the first program (ISO/IEC 13818-1) from the first bytes of
 * it. Total, in time and memory linear in the length.
 *
 * The frame rate is that of the decoding times; where the parameter set's own timing agrees with it, that one is taken,
 * since timestamps are rounded.
 */
export function readTransportStream(bytes: Uint8Array): TransportStreamStart {
  const map = createProgramMapReader();
  let readers: StreamReaders | null = null;
  for (const packet of transportPackets(bytes)) {
    if (readers !== null) {
      readers.video?.push(packet);
      readers.audio?.push(packet);
      continue;
    }
    map.push(packet);
    readers = map.streams === null ? null : createReaders(map.streams);
  }
  if (readers === null) {
    return { video: null, audio: null, unread: [], wantsMore: true };
  }
  const video = readers.video?.finish() ?? null;
  const audio = readers.audio?.finish() ?? null;
  const isVideoUnread = readers.video !== null && video === null;
  const isAudioUnread = readers.audio !== null && audio === null;
  return {
    video,
    audio,
    unread: [
      ...(isVideoUnread ? ["the video stream"] : []),
      ...(isAudioUnread ? ["the audio stream"] : []),
      ...readers.otherTypes.map((type) => `a stream of type 0x${type.toString(16)}`),
    ],
    wantsMore: isVideoUnread || isAudioUnread || readers.video?.hasFewFrames === true,
  };
}

interface StreamReaders {
  video: VideoReader | null;
  audio: StreamReader<AudioTrack> | null;
  otherTypes: readonly number[];
}

interface StreamReader<T> {
  push(packet: TransportPacket): void;
  finish(): T | null;
}

interface VideoReader extends StreamReader<VideoTrack> {
  readonly hasFewFrames: boolean;
}

function createReaders(streams: readonly ElementaryStream[]): StreamReaders {
  const video = streams.find(({ streamType }) => VIDEO_TYPES[streamType] !== undefined);
  const audio = streams.find(({ streamType }) => AUDIO_TYPES[streamType] !== undefined);
  const codec = video === undefined ? undefined : VIDEO_TYPES[video.streamType];
  const readAudio = audio === undefined ? undefined : AUDIO_TYPES[audio.streamType];
  return {
    video: video === undefined || codec === undefined ? null : createVideoReader(video.pid, codec),
    audio:
      audio === undefined || readAudio === undefined
        ? null
        : createStreamReader(audio.pid, readAudio),
    otherTypes: streams
      .map(({ streamType }) => streamType)
      .filter((type) => OTHER_MEDIA_TYPES.has(type)),
  };
}

/** Gives the beginning of each PES packet of a stream to `read` until that makes something of it. */
function createStreamReader<T>(
  pid: number,
  read: (bytes: Uint8Array) => T | null,
  onStart: (decodedAtTicks: number | null) => void = () => {},
): StreamReader<T> {
  const collected = new Uint8Array(COLLECTED_BYTES);
  let length = 0;
  let isCollecting = false;
  let found: T | null = null;

  function tryToRead(): void {
    if (found === null && length > 0) {
      found = read(collected.subarray(0, length));
    }
    length = 0;
  }
  function collect(data: Uint8Array): void {
    const part = data.subarray(0, COLLECTED_BYTES - length);
    collected.set(part, length);
    length += part.length;
  }
  return {
    push({ pid: packetPid, isStart, payload }): void {
      if (packetPid !== pid) {
        return;
      }
      if (!isStart) {
        if (isCollecting && found === null) {
          collect(payload);
        }
        return;
      }
      tryToRead();
      const header = parsePesHeader(payload);
      isCollecting = header !== null;
      if (header !== null) {
        onStart(header.decodedAtTicks);
        collect(payload.subarray(header.dataStart));
      }
    },
    finish(): T | null {
      tryToRead();
      return found;
    },
  };
}

function createVideoReader(pid: number, codec: VideoCodec): VideoReader {
  let frames = 0;
  let firstTicks = 0;
  let elapsedTicks = 0;
  let isSteady = true;

  /** A frame in each PES packet, as all muxers of live streams write them. */
  function onStart(decodedAtTicks: number | null): void {
    if (decodedAtTicks === null || !isSteady) {
      return;
    }
    if (frames === 0) {
      firstTicks = decodedAtTicks;
    }
    const elapsed = (decodedAtTicks - firstTicks + PES_TICKS_WRAP) % PES_TICKS_WRAP;
    // Time that runs backwards or jumps belongs to another stream: what was counted until then holds.
    isSteady = elapsed < elapsedTicks + MAX_FRAME_TICKS && (frames === 0 || elapsed > elapsedTicks);
    if (isSteady) {
      elapsedTicks = elapsed;
      frames += 1;
    }
  }
  const reader = createStreamReader(pid, (bytes) => findParameterSet(bytes, codec), onStart);
  return {
    push: (packet) => reader.push(packet),
    get hasFewFrames(): boolean {
      return frames < ENOUGH_FRAMES && isSteady;
    },
    finish(): VideoTrack | null {
      const parameters = reader.finish();
      if (parameters === null) {
        return null;
      }
      const { width, height } = parameters;
      return { codec, width, height, fps: frameRate(parameters, frames, elapsedTicks) };
    },
  };
}

const MAX_FRAME_TICKS = 10 * PES_TICKS_PER_SECOND;
const AGREEMENT = 0.02;

function frameRate(
  { fps: announced }: VideoParameters,
  frames: number,
  elapsedTicks: number,
): number | null {
  if (frames < 2 || elapsedTicks === 0) {
    return null;
  }
  const counted = ((frames - 1) * PES_TICKS_PER_SECOND) / elapsedTicks;
  const agrees = announced !== null && Math.abs(announced / counted - 1) <= AGREEMENT;
  return Math.round((agrees ? announced : counted) * 1000) / 1000;
}
