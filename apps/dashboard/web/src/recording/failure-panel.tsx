import { CircleX, Hourglass } from "lucide-react";
import type { ReactNode } from "react";
import type { Recording } from "@reelgate/shared/contract/recording";
import { failureWords } from "../failures/failure-words.ts";
import { counted } from "../format/quantities.ts";
import { Time } from "../ui/time.tsx";

/** Why nothing could be said about the file, and what to do. */
export function FailurePanel({ recording }: { recording: Recording }): ReactNode {
  const { failure, state } = recording;
  if (failure === null) return null;
  const words = failureWords(failure.code);
  const isFinal = state === "failed";
  // A retry that failed for good takes nothing away from a copy that was verified before.
  const hasCopy = state === "stored";
  return (
    <section className={`notice ${isFinal ? "notice-bad" : "notice-warn"}`} aria-label="Failure">
      {isFinal ? (
        <CircleX size={20} aria-hidden="true" />
      ) : (
        <Hourglass size={20} aria-hidden="true" />
      )}
      <div>
        <p>
          <strong>{words?.meaning ?? failure.message}</strong> <code>{failure.code}</code>
        </p>
        {words !== null && failure.message !== words.meaning && (
          <p className="break-anywhere">{failure.message}</p>
        )}
        {words !== null && <p>{words.advice}</p>}
        <p className="muted">
          {counted(failure.attempts, "attempt")}, the last <Time iso={failure.at} withAge />
          {isFinal
            ? ""
            : hasCopy
              ? "; the stored copy is as it was"
              : "; it is tried again by itself"}
        </p>
      </div>
    </section>
  );
}
