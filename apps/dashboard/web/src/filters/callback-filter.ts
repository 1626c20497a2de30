import { OUTCOMES } from "@reelgate/shared/contract/recording";
import type { Outcome } from "@reelgate/shared/contract/recording";

/** What the list of callbacks shows. */
export interface CallbackFilter {
  outcome?: Outcome | undefined;
  eventType?: string | undefined;
  recordingId?: string | undefined;
}

export function readCallbackFilter(search: string): CallbackFilter {
  const query = new URLSearchParams(search);
  const text = (name: string): string | undefined =>
    query.get(name)?.replaceAll("\0", "").slice(0, 512) || undefined;
  return {
    outcome: OUTCOMES.find((outcome) => outcome === query.get("outcome")),
    eventType: text("event_type"),
    recordingId: text("recording_id"),
  };
}

/** By the names that the API and the address have for them. */
export function callbackFilterQuery(filter: CallbackFilter): Record<string, string> {
  const { outcome, eventType, recordingId } = filter;
  return {
    ...(outcome === undefined ? {} : { outcome }),
    ...(eventType === undefined ? {} : { event_type: eventType }),
    ...(recordingId === undefined ? {} : { recording_id: recordingId }),
  };
}

export function callbacksPath(filter: CallbackFilter): string {
  const query = new URLSearchParams(callbackFilterQuery(filter)).toString();
  return query === "" ? "/callbacks" : `/callbacks?${query}`;
}
