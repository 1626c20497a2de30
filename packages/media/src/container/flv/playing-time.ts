import type { TrackTime } from "./track-clock.ts";

/** How long a recording plays. */
export type PlayingTime =
  | { kind: "known"; durationMs: number }
  /** No frame was seen. */
  | { kind: "none" }
  /** The times began anew in the part of the file that was not read: how long it played until there is not known. */
  | { kind: "reset-unseen" };

/** One track, and how long a frame of it lasts where its times do not tell. */
export interface TimedTrack {
  time: TrackTime;
  fallbackFrameMs: number;
}

/** From the first frame that is shown to the end of the last one, over all tracks. */
export function playingTime(tracks: readonly TimedTrack[]): PlayingTime {
  if (tracks.length === 0) {
    return { kind: "none" };
  }
  if (tracks.some(({ time }) => time.isResetUnseen)) {
    return { kind: "reset-unseen" };
  }
  const ends = tracks.map(
    ({ time, fallbackFrameMs }) => time.lastMs + (time.frameMs ?? fallbackFrameMs),
  );
  if (tracks.some(({ time }) => time.resets > 0)) {
    // Each track has its own runs. One after the other they play as long as the longest track.
    const runs = tracks.map(
      ({ time }, track) => time.earlierRunsMs + (ends[track] ?? 0) - time.startMs,
    );
    return { kind: "known", durationMs: Math.max(...runs) };
  }
  const start = Math.min(...tracks.map(({ time }) => time.startMs));
  return { kind: "known", durationMs: Math.max(...ends) - start };
}
