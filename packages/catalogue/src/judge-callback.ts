import {
  RECORDING_EVENT_TYPE,
  readRecordingEvent,
} from "@reelgate/shared/contract/recording-event";
import { errorMessage } from "@reelgate/shared/errors";
import { parseJsonExact } from "@reelgate/shared/json";
import type { Verdict } from "./settle.ts";
import { identityOf } from "./identity.ts";

export interface Judgement {
  /** `event_type` as text, when the body has a usable one. */
  eventType: string | null;
  /** Top-level fields that the specification does not know, for a recording event. */
  unknownFields: string[];
  verdict: Verdict;
}

/** Names of unknown fields that are kept; a hostile body can have thousands. */
const MAX_UNKNOWN_FIELDS = 50;
const MAX_FIELD_NAME_CHARS = 100;

/**
 * Says from a body alone what a callback is: a recording, another kind of event, or invalid with every reason.
 * Total: any text has a judgement.
 */
export function judgeCallback(body: string): Judgement {
  const parsed = parse(body);
  if (parsed.kind === "unreadable") return invalid(null, [], parsed.problem);
  const { value } = parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return invalid(null, [], "the body is not an object");
  }
  const fields = value as Record<string, unknown>;
  const eventType = eventTypeOf(fields);
  if (eventType !== null && eventType !== String(RECORDING_EVENT_TYPE)) {
    return { eventType, unknownFields: [], verdict: { kind: "unsupported" } };
  }
  const read = readRecordingEvent(fields);
  const unknownFields = read.unknownFields
    .slice(0, MAX_UNKNOWN_FIELDS)
    .map((name) => name.slice(0, MAX_FIELD_NAME_CHARS));
  switch (read.kind) {
    case "valid":
      return {
        eventType,
        unknownFields,
        verdict: {
          kind: "recording",
          identity: identityOf(read.event),
          event: read.event,
          tolerated: read.tolerated,
        },
      };
    case "invalid":
      return { eventType, unknownFields, verdict: { kind: "invalid", problems: read.problems } };
    default:
      return read satisfies never;
  }
}

function parse(
  body: string,
): { kind: "read"; value: unknown } | { kind: "unreadable"; problem: string } {
  try {
    return { kind: "read", value: parseJsonExact(body) };
  } catch (error) {
    return { kind: "unreadable", problem: `the body cannot be read: ${errorMessage(error)}` };
  }
}

function eventTypeOf(fields: Readonly<Record<string, unknown>>): string | null {
  const given = Object.hasOwn(fields, "event_type") ? fields.event_type : undefined;
  if (typeof given === "number") return String(given);
  return typeof given === "string" && /^[\w.:-]{1,64}$/u.test(given) ? given : null;
}

function invalid(eventType: string | null, unknownFields: string[], message: string): Judgement {
  return {
    eventType,
    unknownFields,
    verdict: { kind: "invalid", problems: [{ path: "", message }] },
  };
}
