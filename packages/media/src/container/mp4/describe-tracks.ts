import type { AudioTrack, VideoTrack } from "@reelgate/shared/contract/media";
import type { Track } from "./movie.ts";

/** The first usable video track and audio track, as ffprobe shows them. */
export function describeTracks(
  tracks: readonly Track[],
  fpsOf: (track: Track) => number | null,
): { video: VideoTrack | null; audio: AudioTrack | null } {
  let video: VideoTrack | null = null;
  let audio: AudioTrack | null = null;
  for (const track of tracks) {
    const entry = track.samples?.entry ?? null;
    if (entry?.kind === "video" && video === null) {
      const { codec } = entry;
      const width = entry.width > 0 ? entry.width : track.displayWidth;
      const height = entry.height > 0 ? entry.height : track.displayHeight;
      video = { codec, width, height, fps: fpsOf(track) };
    } else if (entry?.kind === "audio" && audio === null) {
      const { codec, sampleRateHz, channels } = entry;
      audio = { codec, sampleRateHz, channels };
    }
  }
  return { video, audio };
}

/** The tracks that make the duration of a recording: pictures and sound, or all when there are none of these. */
export function presentedTracks(tracks: readonly Track[]): readonly Track[] {
  const presented = tracks.filter(({ handler }) => handler === "vide" || handler === "soun");
  return presented.length > 0 ? presented : tracks;
}

/** Frames in a second to three decimals, or null when the numbers give none. */
export function framesPerSecond(
  frames: number,
  durationUnits: number,
  timescale: number,
): number | null {
  const fps = Math.round((frames / durationUnits) * timescale * 1000) / 1000;
  return Number.isFinite(fps) && fps > 0 ? fps : null;
}
