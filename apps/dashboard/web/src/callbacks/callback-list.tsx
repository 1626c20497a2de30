import { ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import type { Callback } from "@reelgate/shared/contract/recording";
import { counted } from "../format/quantities.ts";
import { Link } from "../routing/link.tsx";
import { callbackPath, recordingPath } from "../routing/paths.ts";
import { OutcomeBadge } from "../ui/badges.tsx";
import { Time } from "../ui/time.tsx";
import { CallbackDetails } from "./callback-details.tsx";

export interface CallbackListProps {
  callbacks: readonly Callback[];
  /** Whether each names its recording: not where all are of one. */
  withRecording: boolean;
}

/** One line for each callback, which opens to all of it. */
export function CallbackList({ callbacks, withRecording }: CallbackListProps): ReactNode {
  return (
    <ul className="callbacks">
      {callbacks.map((callback) => (
        <li key={callback.id}>
          <details>
            <summary>
              <ChevronRight size={16} className="chevron" aria-hidden="true" />
              <OutcomeBadge outcome={callback.outcome} />
              <Time iso={withRecording ? callback.settledAt : callback.receivedAt} withAge />
              <span className="callback-note">{noteOf(callback, withRecording)}</span>
            </summary>
            <CallbackDetails callback={callback} />
          </details>
          <span className="callback-links">
            {withRecording && callback.recordingId !== null && (
              <Link to={recordingPath(callback.recordingId)}>Recording</Link>
            )}
            <Link to={callbackPath(callback.id)} title={callback.id}>
              <code>{callback.id.slice(0, 11)}</code>
            </Link>
          </span>
        </li>
      ))}
    </ul>
  );
}

function noteOf(callback: Callback, withStream: boolean): string {
  const { outcome, problems, conflicts, eventType } = callback;
  if (conflicts.length > 0) return conflicts.map(({ field }) => field).join(", ");
  const [first] = problems;
  if (first !== undefined) {
    const more = problems.length > 1 ? `, and ${counted(problems.length - 1, "more", "more")}` : "";
    return `${first.path === "" ? "" : `${first.path}: `}${first.message}${more}`;
  }
  return outcome === "unsupported" || outcome === "invalid"
    ? `event type ${eventType ?? "not told"}`
    : withStream
      ? streamOf(callback.body)
      : "";
}

/** What a sound body calls its stream; nothing for any other. */
function streamOf(body: string): string {
  try {
    const fields: unknown = JSON.parse(body);
    const named = typeof fields === "object" && fields !== null && "stream_id" in fields;
    return named && typeof fields.stream_id === "string" ? fields.stream_id : "";
  } catch {
    return "";
  }
}
