import type { BulkRetry } from "@reelgate/shared/contract/overview";

/** Where a retry of many stands. */
export type BulkRetryState =
  | { kind: "asking" }
  | { kind: "running"; retried: number; skipped: number }
  | { kind: "cancelled" | "done"; retried: number; skipped: number }
  | { kind: "failed"; retried: number; skipped: number; error: unknown };

/**
 * Retries page by page until nothing follows, and tells after each page. What was retried stays so when the reader
 * cancels or a page fails.
 */
export async function retryAll(
  retryPage: (cursor: string | null) => Promise<BulkRetry>,
  signal: AbortSignal,
  tell: (state: BulkRetryState) => void,
): Promise<void> {
  let retried = 0;
  let skipped = 0;
  let cursor: string | null = null;
  tell({ kind: "running", retried, skipped });
  try {
    do {
      const page: BulkRetry = await retryPage(cursor);
      retried += page.retried;
      skipped += page.skipped;
      cursor = page.nextCursor;
      if (signal.aborted) break;
      tell({ kind: "running", retried, skipped });
    } while (cursor !== null);
    tell({ kind: cursor === null ? "done" : "cancelled", retried, skipped });
  } catch (error) {
    if (signal.aborted) tell({ kind: "cancelled", retried, skipped });
    else tell({ kind: "failed", retried, skipped, error });
  }
}
