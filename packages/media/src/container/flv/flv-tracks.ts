import type { AudioTrack, Finding, VideoTrack } from "@reelgate/shared/contract/media";
import { parseAudioSpecificConfig } from "../../codec/audio-specific-config.ts";
import { parseAvcConfiguration } from "../../codec/avc-sps.ts";
import { parseHevcConfiguration } from "../../codec/hevc-sps.ts";
import { parseMpegAudioHeader } from "../../codec/mpeg-audio-header.ts";
import type { VideoParameters } from "../../codec/video-parameters.ts";
import { audioByFlags, readAudioTag } from "./audio-tag.ts";
import type { FlvTag, TagKind } from "./flv-tag.ts";
import { frameRate } from "./frame-rate.ts";
import { addMetadata, type FlvMetadata, NO_METADATA } from "./metadata.ts";
import { type PlayingTime, playingTime, type TimedTrack } from "./playing-time.ts";
import { createTrackClock } from "./track-clock.ts";
import { readVideoTag } from "./video-tag.ts";

type Sound = Omit<AudioTrack, "codec">;

type TrackKind = Exclude<TagKind, "script">;

/** Gathers from the tags of a file, in their order, what there is to say of it. */
export interface FlvTracks {
  /** @param data Of the tag, or its beginning. */
  add(tag: FlvTag, data: Uint8Array): void;
  /** The tags that follow are not the next ones. */
  skipUnseen(): void;
  /** Kinds of which there were tags that count. */
  seen(): readonly TrackKind[];
  /** Whether all is known of a track that tags can tell. */
  isDescribed(kind: TrackKind): boolean;
  hasFrame(kind: TrackKind): boolean;
  readonly metadata: FlvMetadata;
  describe(): FlvDescription;
}

export interface FlvDescription {
  video: VideoTrack | null;
  audio: AudioTrack | null;
  playing: PlayingTime;
  /** `not_fully_checked` for a track of which the codec is known and not enough else. */
  findings: readonly Finding[];
}

/** Codecs with a configuration that is understood here, so that it is worth looking for. */
const WITH_CONFIGURATION = new Set(["h264", "hevc", "aac", "opus"]);

const AAC_FRAME_SAMPLES = 1024;

export function gatherTracks(): FlvTracks {
  let metadata = NO_METADATA;
  let origin: number | null = null;
  const readOrigin = (): number => origin ?? 0;
  const videoClock = createTrackClock(readOrigin);
  const audioClock = createTrackClock(readOrigin);
  let videoCodec: string | null = null;
  let picture: VideoParameters | null = null;
  let audioCodec: string | null = null;
  let sound: Sound | null = null;

  function addVideo(timestampMs: number, data: Uint8Array): void {
    const content = readVideoTag(data);
    if (content.kind === "other") {
      return;
    }
    videoCodec ??= content.codec;
    if (content.kind === "configuration") {
      picture ??= parseConfiguration(content.codec, content.record);
      return;
    }
    origin ??= timestampMs;
    videoClock.add(timestampMs, content.compositionMs);
  }
  function addAudio(timestampMs: number, data: Uint8Array): void {
    const content = readAudioTag(data);
    if (content.kind === "other") {
      return;
    }
    audioCodec ??= content.codec;
    if (content.kind === "configuration") {
      sound ??= parseSoundConfiguration(content.codec, content.record);
      return;
    }
    sound ??=
      (content.codec === "mp3" ? parseMpegAudioHeader(content.payload) : null) ??
      audioByFlags(data);
    origin ??= timestampMs;
    audioClock.add(timestampMs, 0);
  }
  function describeVideo(): VideoTrack | null {
    const size = picture ?? sizeByMetadata(metadata);
    if (videoCodec === null || size === null) {
      return null;
    }
    const fps = frameRate(videoClock.read(), [metadata.fps, picture?.fps ?? null]);
    return { codec: videoCodec, width: size.width, height: size.height, fps };
  }
  function describeAudio(): AudioTrack | null {
    const known = sound ?? soundByMetadata(metadata);
    return audioCodec === null || known === null ? null : { codec: audioCodec, ...known };
  }

  return {
    add(tag, data): void {
      switch (tag.kind) {
        case "video":
          addVideo(tag.timestampMs, data);
          break;
        case "audio":
          addAudio(tag.timestampMs, data);
          break;
        case "script":
          metadata = addMetadata(metadata, data);
          break;
        default:
          tag.kind satisfies never;
      }
    },
    skipUnseen(): void {
      videoClock.skipUnseen();
      audioClock.skipUnseen();
    },
    seen: () => [
      ...(videoCodec === null ? [] : ["video" as const]),
      ...(audioCodec === null ? [] : ["audio" as const]),
    ],
    isDescribed: (kind) =>
      kind === "video"
        ? picture !== null || (videoCodec !== null && !WITH_CONFIGURATION.has(videoCodec))
        : sound !== null || (audioCodec !== null && !WITH_CONFIGURATION.has(audioCodec)),
    hasFrame: (kind) => (kind === "video" ? videoClock : audioClock).read() !== null,
    get metadata(): FlvMetadata {
      return metadata;
    },
    describe(): FlvDescription {
      const video = describeVideo();
      const audio = describeAudio();
      const tracks: TimedTrack[] = [];
      const videoTime = videoClock.read();
      if (videoTime !== null) {
        tracks.push({ time: videoTime, fallbackFrameMs: 1000 / (video?.fps ?? 25) });
      }
      const audioTime = audioClock.read();
      if (audioTime !== null) {
        const rateHz = audio?.sampleRateHz ?? 44_100;
        tracks.push({ time: audioTime, fallbackFrameMs: (AAC_FRAME_SAMPLES / rateHz) * 1000 });
      }
      return {
        video,
        audio,
        playing: playingTime(tracks),
        findings: [
          ...(video === null && videoCodec !== null ? [undescribed("video", videoCodec)] : []),
          ...(audio === null && audioCodec !== null ? [undescribed("audio", audioCodec)] : []),
        ],
      };
    },
  };
}

function parseConfiguration(codec: string, record: Uint8Array): VideoParameters | null {
  switch (codec) {
    case "h264":
      return parseAvcConfiguration(record);
    case "hevc":
      return parseHevcConfiguration(record);
    default:
      return null;
  }
}

const OPUS_RATE_HZ = 48_000;

function parseSoundConfiguration(codec: string, record: Uint8Array): Sound | null {
  if (codec === "aac") {
    return parseAudioSpecificConfig(record);
  }
  // OpusHead (RFC 7845, 5.1); Opus always decodes to 48 kHz.
  const channels = record[9] ?? 0;
  return codec === "opus" && channels > 0 ? { sampleRateHz: OPUS_RATE_HZ, channels } : null;
}

function sizeByMetadata({ width, height }: FlvMetadata): { width: number; height: number } | null {
  return width === null || height === null ? null : { width, height };
}

function soundByMetadata({ sampleRateHz, channels }: FlvMetadata): Sound | null {
  return sampleRateHz === null || channels === null ? null : { sampleRateHz, channels };
}

function undescribed(kind: string, codec: string): Finding {
  return {
    kind: "not_fully_checked",
    declared: null,
    actual: codec,
    detail: `There is ${kind} (${codec}), but nothing at the beginning of the file that describes it.`,
  };
}
