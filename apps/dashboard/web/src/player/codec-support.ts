import type { Media } from "@reelgate/shared/contract/media";

/** A codec of the catalogue as browsers name it: one of its plainest profiles stands for all. */
const MIME_CODECS: Readonly<Record<string, string>> = {
  h264: "avc1.640028",
  avc: "avc1.640028",
  hevc: "hvc1.1.6.L120.90",
  h265: "hvc1.1.6.L120.90",
  av1: "av01.0.08M.08",
  vp9: "vp09.00.40.08",
  vp8: "vp8",
  aac: "mp4a.40.2",
  mp3: "mp3",
  opus: "opus",
};

/**
 * The codecs of a recording that this browser is known not to play, by the catalogue's names. One that nobody here
 * knows is left to the player.
 */
export function unplayableCodecs(
  media: Media | null,
  isSupported: (mimeType: string) => boolean,
): string[] {
  const codecs = [
    { kind: "video", codec: media?.video?.codec },
    { kind: "audio", codec: media?.audio?.codec },
  ];
  return codecs.flatMap(({ kind, codec }) => {
    if (codec === undefined) return [];
    const name = MIME_CODECS[codec.toLowerCase()];
    if (name === undefined) return [];
    // AAC without a container is played as it is, not through MP4.
    return isSupported(`${kind}/mp4; codecs="${name}"`) ? [] : [codec];
  });
}

/** Whether this browser plays a type, in one of the two ways that it has. */
export function browserPlays(mimeType: string): boolean {
  if (typeof MediaSource !== "undefined" && MediaSource.isTypeSupported(mimeType)) return true;
  return document.createElement("video").canPlayType(mimeType) !== "";
}
