/** Times within a track never go back by more than interleaving and rounding explain: beyond that they began anew. */
const RESET_MS = 1000;

/** A longer step between two frames is a gap, not the duration of one. */
const MAX_FRAME_MS = 10_000;

const RECENT_STEPS = 64;

/** What a track's frames tell of its time. Milliseconds, relative to the origin that all tracks share. */
export interface TrackTime {
  frames: number;
  startMs: number;
  /** Of the last frame that is shown, without its duration. */
  lastMs: number;
  /** Usual step between frames; null with fewer than two. */
  frameMs: number | null;
  /** Steps that were seen, and their sum, for the mean rate. */
  steps: number;
  stepsMs: number;
  /** Earlier runs of a recording whose times began anew, each with its last frame; 0 without such. */
  earlierRunsMs: number;
  resets: number;
  /** True when the times began anew somewhere in the part of the file that was not read. */
  isResetUnseen: boolean;
}

/** Follows the times of one track, frame by frame, in constant memory. */
export interface TrackClock {
  /** @param timestampMs As the tag has it, wrapped at 32 bits. */
  add(timestampMs: number, compositionMs: number): void;
  /** The frames that follow are not the next ones. */
  skipUnseen(): void;
  /** Null before the first frame. */
  read(): TrackTime | null;
}

/** @param origin Timestamp that counts as 0, the same for all tracks of a file. */
export function createTrackClock(origin: () => number): TrackClock {
  let frames = 0;
  let lastTimestampMs = 0;
  let decodingMs = 0;
  let isUnseenBefore = false;
  let startMs = 0;
  let lastMs = 0;
  let stepsMs = 0;
  let steps = 0;
  let recent: number[] = [];
  let earlierRunsMs = 0;
  let resets = 0;
  let isResetUnseen = false;

  /** The median: gaps and bursts do not move it. */
  const frameMs = (): number | null =>
    recent.length === 0 ? null : (recent.toSorted((a, b) => a - b)[recent.length >> 1] ?? null);

  function startRun(timestampMs: number, compositionMs: number): void {
    decodingMs = (timestampMs - origin()) | 0;
    startMs = decodingMs + compositionMs;
    lastMs = startMs;
  }
  function countStep(stepMs: number): void {
    if (isUnseenBefore || stepMs <= 0 || stepMs > MAX_FRAME_MS) {
      return;
    }
    steps += 1;
    stepsMs += stepMs;
    recent = [...recent.slice(1 - RECENT_STEPS), stepMs];
  }

  return {
    add(timestampMs, compositionMs): void {
      // Differences of 32-bit numbers are right across a wrap.
      const stepMs = (timestampMs - lastTimestampMs) | 0;
      if (frames === 0) {
        startRun(timestampMs, compositionMs);
      } else if (stepMs < -RESET_MS) {
        earlierRunsMs += lastMs - startMs + (frameMs() ?? 0);
        resets += 1;
        isResetUnseen ||= isUnseenBefore;
        startRun(timestampMs, compositionMs);
      } else {
        countStep(stepMs);
        decodingMs += stepMs;
        startMs = Math.min(startMs, decodingMs + compositionMs);
        lastMs = Math.max(lastMs, decodingMs + compositionMs);
      }
      frames += 1;
      lastTimestampMs = timestampMs;
      isUnseenBefore = false;
    },
    skipUnseen(): void {
      isUnseenBefore = true;
    },
    read: () =>
      frames === 0
        ? null
        : {
            frames,
            startMs,
            lastMs,
            frameMs: frameMs(),
            steps,
            stepsMs,
            earlierRunsMs,
            resets,
            isResetUnseen,
          },
  };
}
