import type { Conflict, Outcome, Problem } from "@reelgate/shared/contract/recording";
import { json } from "./json-column.ts";
import { MAX_LABEL_CHARS, storable } from "./text-column.ts";

/** How a callback ends, as its row says it. */
export interface CallbackEnd {
  outcome: Outcome;
  recordingId: string | null;
  problems: Problem[];
  conflicts: Conflict[];
}

/** The columns of a callback's row that its judgement decides; what came with the callback is in the others. */
export interface EndColumns {
  outcome: Outcome;
  event_type: string | null;
  recording_id: string | null;
  problems: string;
  conflicts: string;
  unknown_fields: string;
}

export function endColumns(
  judged: { eventType: string | null; unknownFields: string[] },
  end: CallbackEnd,
): EndColumns {
  return {
    outcome: end.outcome,
    event_type: label(judged.eventType),
    recording_id: end.recordingId,
    problems: json(end.problems),
    conflicts: json(end.conflicts),
    unknown_fields: json(judged.unknownFields),
  };
}

/** Whatever surrounds a callback, its outcome must be storable. */
export function label(text: string | null): string | null {
  return text === null ? null : storable(text, MAX_LABEL_CHARS);
}
