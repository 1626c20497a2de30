import { useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import { errorText } from "../api/api-error.ts";
import { fetchStats, retryRecordings } from "../api/endpoints.ts";
import { describeRecordingFilter } from "../filters/recording-filter.ts";
import type { RecordingFilter } from "../filters/recording-filter.ts";
import { count, counted } from "../format/quantities.ts";
import { retryAll } from "./bulk-retry.ts";
import type { BulkRetryState } from "./bulk-retry.ts";

/** Recordings of one request: small enough that the bar moves and a cancel is soon heard. */
const PAGE_RECORDINGS = 100;

export interface BulkRetryDialogProps {
  filter: RecordingFilter;
  onClose: (somethingChanged: boolean) => void;
}

/** Asks before it retries everything that a filter shows, then tells how far it is, and what came of it. */
export function BulkRetryDialog({ filter, onClose }: BulkRetryDialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const running = useRef<AbortController | null>(null);
  const [state, setState] = useState<BulkRetryState>({ kind: "asking" });
  const total = useKnownTotal(filter);
  useEffect(() => {
    dialog.current?.showModal();
    return () => running.current?.abort();
  }, []);

  const start = (): void => {
    const controller = new AbortController();
    running.current = controller;
    void retryAll(
      // A page that was begun is let end: what it retried is then known.
      (cursor) => retryRecordings(filter, { cursor, limit: PAGE_RECORDINGS }),
      controller.signal,
      (next) => {
        if (dialog.current !== null) setState(next);
      },
    );
  };
  const close = (): void => {
    running.current?.abort();
    onClose(state.kind !== "asking");
  };
  const conditions = describeRecordingFilter(filter);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="bulk-title"
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
    >
      <h2 id="bulk-title">Retry recordings</h2>
      <p>
        {conditions.length === 0 ? (
          <strong>All recordings of the catalogue</strong>
        ) : (
          <>All recordings {conditions.join(", ")}</>
        )}
        {total !== null && <> (now {count(total)})</>}: their files will be looked at again. Until
        then each shows what the last look found.
      </p>
      <div className="dialog-body" aria-live="polite">
        <BulkRetryProgress state={state} total={total} />
      </div>
      <div className="dialog-actions">
        {state.kind === "asking" && (
          <>
            <button type="button" className="button" onClick={close}>
              Do not retry
            </button>
            <button type="button" className="button button-primary" onClick={start}>
              Retry {total === null ? "all of them" : counted(total, "recording")}
            </button>
          </>
        )}
        {state.kind === "running" && (
          <button type="button" className="button" onClick={() => running.current?.abort()}>
            Stop here
          </button>
        )}
        {state.kind !== "asking" && state.kind !== "running" && (
          <button type="button" className="button button-primary" autoFocus onClick={close}>
            Close
          </button>
        )}
      </div>
    </dialog>
  );
}

function BulkRetryProgress(props: { state: BulkRetryState; total: number | null }): ReactNode {
  const { state, total } = props;
  if (state.kind === "asking") return null;
  const { retried, skipped } = state;
  const seen = retried + skipped;
  const waiting = skipped === 0 ? "" : `, ${count(skipped)} pending already`;
  switch (state.kind) {
    case "running":
      return (
        <>
          {total === null ? (
            <progress aria-label="Progress" />
          ) : (
            <progress
              aria-label="Progress"
              value={Math.min(seen, total)}
              max={Math.max(total, 1)}
            />
          )}
          <p className="nums">
            {counted(retried, "recording")} retried{waiting} …
          </p>
        </>
      );
    case "done":
      return (
        <p className="nums">
          Done: {counted(retried, "recording")} retried{waiting}.
        </p>
      );
    case "cancelled":
      return (
        <p className="nums">
          Stopped: {counted(retried, "recording")} retried{waiting}; the others were left alone.
        </p>
      );
    case "failed":
      return (
        <p className="nums" role="alert">
          {errorText(state.error)} {counted(retried, "recording")} retried{waiting} before that.
        </p>
      );
    default:
      return state satisfies never;
  }
}

/** How many recordings a filter shows, where the catalogue's counts tell: by state alone, or all. */
function useKnownTotal(filter: RecordingFilter): number | null {
  const [total, setTotal] = useState<number | null>(null);
  const { state, finding, ...others } = filter;
  const isCounted =
    Object.keys(others).length === 0 &&
    (finding === undefined || (finding === "any" && state === undefined));
  useEffect(() => {
    if (!isCounted) return;
    const controller = new AbortController();
    fetchStats(controller.signal)
      .then(({ recordings }) => {
        if (finding === "any") setTotal(recordings.withFindings);
        else setTotal(state === undefined ? recordings.total : recordings.byState[state]);
      })
      .catch(() => {
        // It goes without the number.
      });
    return () => controller.abort();
  }, [isCounted, state, finding]);
  return total;
}
