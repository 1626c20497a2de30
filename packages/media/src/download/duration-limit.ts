import { AppError } from "@reelgate/shared/errors";
import type { DownloadProgress } from "./download-progress.ts";

/**
 * Half a megabit per second, below any recording that is worth keeping: an origin that is slower for the whole of it is
 * holding a worker. The floor of bytes per window alone lets 1 GB take eleven days.
 */
const BYTES_PER_S = 65_536;
/** For the requests themselves, failures and what the origin asks to wait. */
const EXTRA_MS = 600_000;
/** While nobody knows the size: that of a playlist's segments shows as they come. */
const LEAST_OF_UNKNOWN_MS = 3_600_000;
/** Longer timers fire at once (Node.js, `setTimeout`). */
const MAX_TIMER_MS = 2_147_483_647;

/** How long fetching may take all in all. Must be ended. */
export interface DurationLimit {
  update(progress: DownloadProgress): void;
  end(): void;
}

/**
 * Calls `onOver` with an AppError `media_timeout` when fetching takes longer than its size justifies. What is there by
 * then is kept, so a later call goes on from it.
 *
 * @param maxDurationMs In place of what the size allows; null for that.
 */
export function limitDuration(
  maxDurationMs: number | null,
  where: string,
  onOver: (error: AppError) => void,
): DurationLimit {
  const startMs = performance.now();
  let allowedMs = maxDurationMs ?? LEAST_OF_UNKNOWN_MS;
  let timer: NodeJS.Timeout | undefined;

  function check(): void {
    const leftMs = startMs + allowedMs - performance.now();
    if (leftMs < 1) {
      onOver(
        new AppError("media_timeout", {
          message: `${where}: not fetched within ${Math.round(allowedMs / 1000)} s. What came is kept; the next try goes on from there.`,
        }),
      );
      return;
    }
    timer = setTimeout(check, Math.min(leftMs, MAX_TIMER_MS));
  }

  check();
  return {
    update({ bytesDone, bytesTotal }): void {
      if (maxDurationMs !== null) {
        return;
      }
      const neededMs = ((bytesTotal ?? bytesDone) / BYTES_PER_S) * 1000 + EXTRA_MS;
      const nextMs = bytesTotal === null ? Math.max(neededMs, LEAST_OF_UNKNOWN_MS) : neededMs;
      const isShorter = nextMs < allowedMs;
      allowedMs = nextMs;
      // A longer one is seen when the timer fires.
      if (isShorter) {
        clearTimeout(timer);
        check();
      }
    },
    end: () => clearTimeout(timer),
  };
}
