import { AppError } from "@reelgate/shared/errors";

/** Below so many bytes per second, over so long, an origin counts as stalled (curl: --speed-limit, --speed-time). */
export interface LowSpeed {
  bytesPerS: number;
  windowMs: number;
}

/** Measures while somebody waits for the origin, and only then. */
export interface SpeedWatch {
  /** The wait begins. */
  resume(): void;
  /** It ends, with so many bytes. What this process does with them is no slowness of the origin. */
  pause(bytes: number): void;
}

/**
 * Calls `onSlow` with an AppError `media_timeout` after a window in which too little came. A window is so much time of
 * waiting: a full disk queue, a bandwidth that is shared, or a reader that is busy do not count. Must be left paused.
 */
export function watchSpeed(
  limit: LowSpeed,
  where: string,
  onSlow: (error: AppError) => void,
): SpeedWatch {
  const neededBytes = (limit.bytesPerS * limit.windowMs) / 1000;
  let bytesInWindow = 0;
  let leftMs = limit.windowMs;
  let waitingSinceMs: number | null = null;
  let timer: NodeJS.Timeout | undefined;

  function endWindow(): void {
    if (bytesInWindow < neededBytes) {
      onSlow(
        new AppError("media_timeout", {
          message: `${where}: only ${bytesInWindow} bytes came within ${limit.windowMs} ms.`,
        }),
      );
    }
    bytesInWindow = 0;
    leftMs = limit.windowMs;
  }

  const watch: SpeedWatch = {
    resume(): void {
      waitingSinceMs ??= performance.now();
      timer ??= setTimeout(() => {
        watch.pause(0);
        watch.resume();
      }, leftMs);
    },
    pause(bytes): void {
      clearTimeout(timer);
      timer = undefined;
      bytesInWindow += bytes;
      leftMs -= waitingSinceMs === null ? 0 : performance.now() - waitingSinceMs;
      waitingSinceMs = null;
      // Timers fire up to a millisecond early.
      if (leftMs < 1) {
        endWindow();
      }
    },
  };
  return watch;
}
