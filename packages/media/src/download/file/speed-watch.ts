import { AppError } from "@reelgate/shared/errors";

/** Below so many bytes per second, over so long, an origin counts as stalled (curl: --speed-limit, --speed-time). */
export interface LowSpeed {
  bytesPerS: number;
  windowMs: number;
}

export interface SpeedWatch {
  count(bytes: number): void;
  /** The AppError `media_timeout` that `onSlow` was called with, else null. */
  readonly verdict: AppError | null;
  end(): void;
}

/** Starts the first window at once and calls `onSlow` after one that was too slow. Must be ended. */
export function watchSpeed(limit: LowSpeed, where: string, onSlow: () => void): SpeedWatch {
  const neededBytes = (limit.bytesPerS * limit.windowMs) / 1000;
  let bytesInWindow = 0;
  let verdict: AppError | null = null;
  const timer = setInterval(() => {
    if (bytesInWindow < neededBytes) {
      clearInterval(timer);
      verdict = new AppError("media_timeout", {
        message: `${where}: only ${bytesInWindow} bytes came within ${limit.windowMs} ms.`,
      });
      onSlow();
    }
    bytesInWindow = 0;
  }, limit.windowMs);
  return {
    count(bytes): void {
      bytesInWindow += bytes;
    },
    get verdict(): AppError | null {
      return verdict;
    },
    end: () => clearInterval(timer),
  };
}
