import type { Recording } from "@reelgate/shared/contract/recording";
import {
  exactBytes,
  exactDuration,
  humanBitrate,
  humanBytes,
  humanDuration,
} from "../format/quantities.ts";

export interface Compared {
  name: string;
  declared: string | null;
  real: string | null;
  /** The values to the last digit. */
  exact?: { declared: string | null; real: string | null };
  /** Whether a finding says that they differ: small deviations are none. */
  differs: boolean;
}

/** What the callback said of the file, beside what is there. */
export function compareDeclared(recording: Recording): Compared[] {
  const { declared, media, findings, callbackExt } = recording;
  const has = (kind: (typeof findings)[number]["kind"]): boolean =>
    findings.some((finding) => finding.kind === kind);
  const video = media?.video ?? null;
  const ext = declaredVideo(callbackExt);
  const realDurationS = media?.durationS ?? null;
  const realSizeBytes = media?.sizeBytes ?? null;
  return [
    {
      name: "Size",
      declared: humanBytes(declared.sizeBytes),
      real: realSizeBytes === null ? null : humanBytes(realSizeBytes),
      exact: {
        declared: exactBytes(declared.sizeBytes),
        real: realSizeBytes === null ? null : exactBytes(realSizeBytes),
      },
      differs: has("size_mismatch"),
    },
    {
      name: "Duration",
      declared: humanDuration(declared.durationS),
      real:
        realDurationS === null
          ? null
          : `${media?.durationIsExact === false ? "about " : ""}${humanDuration(realDurationS)}`,
      exact: {
        declared: exactDuration(declared.durationS),
        real: realDurationS === null ? null : exactDuration(realDurationS),
      },
      differs: has("duration_mismatch"),
    },
    {
      name: "Bit rate",
      // The provider sends 0 when it does not know.
      declared: declared.bitrateKbps ? humanBitrate(declared.bitrateKbps) : null,
      real: typeof media?.bitrateKbps === "number" ? humanBitrate(media.bitrateKbps) : null,
      differs: false,
    },
    {
      name: "Format",
      declared: recording.format.toUpperCase(),
      real: media === null ? null : containerName(media.container),
      differs: has("container_mismatch"),
    },
    {
      name: "Resolution",
      declared: ext.resolution?.replace(/^(\d+)x(\d+)$/u, "$1×$2") ?? null,
      real: media?.video ? `${media.video.width}×${media.video.height}` : null,
      differs:
        ext.resolution !== null &&
        video !== null &&
        ext.resolution.replace("x", "×") !== `${video.width}×${video.height}`,
    },
    {
      name: "Video",
      declared: ext.codec,
      real: media?.video
        ? `${media.video.codec}${media.video.fps === null ? "" : `, ${Number(media.video.fps.toFixed(2))} fps`}`
        : media === null
          ? null
          : "none",
      differs:
        ext.codec !== null &&
        video !== null &&
        ext.codec.toLowerCase() !== video.codec.toLowerCase(),
    },
    {
      name: "Audio",
      declared: null,
      real: media?.audio
        ? `${media.audio.codec}, ${media.audio.sampleRateHz / 1000} kHz, ${channels(media.audio.channels)}`
        : media === null
          ? null
          : "none",
      differs: false,
    },
    ...(media?.hls
      ? [
          {
            name: "Segments",
            declared: null,
            real: `${media.hls.segmentCount}, up to ${media.hls.targetDurationS} s${media.hls.encrypted ? ", encrypted" : ""}${media.hls.variants > 0 ? `, ${media.hls.variants} variants` : ""}`,
            differs: false,
          },
        ]
      : []),
  ];
}

function containerName(container: string): string {
  return container === "mpegts" ? "MPEG-TS" : container.toUpperCase();
}

function channels(count: number): string {
  if (count === 1) return "mono";
  return count === 2 ? "stereo" : `${count} channels`;
}

/** `callback_ext` is a claim of any form; of the form that is documented it names codec and resolution. */
function declaredVideo(ext: unknown): { codec: string | null; resolution: string | null } {
  const field = (name: string): string | null => {
    if (typeof ext !== "object" || ext === null || !(name in ext)) return null;
    const value: unknown = (ext as Record<string, unknown>)[name];
    return typeof value === "string" && value !== "" ? value : null;
  };
  return { codec: field("video_codec"), resolution: field("resolution") };
}
