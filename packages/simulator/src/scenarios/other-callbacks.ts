import { OTHER_EVENT_TYPES, otherEventFields } from "../event-bodies.ts";
import type { BodyFields } from "../plan.ts";
import { itemAt } from "../random.ts";
import { validSigning } from "./plan-builder.ts";
import type { DraftRecording, PlanBuilder } from "./plan-builder.ts";

interface Flaw {
  label: string;
  /** Where a problem must be reported; one of them is enough. */
  paths: readonly string[];
  spoil: (draft: DraftRecording) => BodyFields;
}

const without = (fields: BodyFields, name: string): BodyFields =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));

const FLAWS: readonly Flaw[] = [
  {
    label: "end before start",
    paths: ["end_time", "start_time"],
    spoil: ({ fields, file }) => ({ ...fields, end_time: file.startS - 60 }),
  },
  {
    label: "negative size",
    paths: ["file_size"],
    spoil: ({ fields }) => ({ ...fields, file_size: -1 }),
  },
  {
    label: "size in words",
    paths: ["file_size"],
    spoil: ({ fields }) => ({ ...fields, file_size: "large" }),
  },
  {
    label: "unknown format",
    paths: ["file_format"],
    spoil: ({ fields }) => ({ ...fields, file_format: "avi" }),
  },
  {
    label: "no video_url",
    paths: ["video_url"],
    spoil: ({ fields }) => without(fields, "video_url"),
  },
  {
    label: "video_url is no http URL",
    paths: ["video_url"],
    spoil: ({ fields }) => ({ ...fields, video_url: "file:///etc/passwd" }),
  },
  {
    label: "empty stream_id",
    paths: ["stream_id"],
    spoil: ({ fields }) => ({ ...fields, stream_id: "" }),
  },
  {
    label: "start_time is an object",
    paths: ["start_time"],
    spoil: ({ fields }) => ({ ...fields, start_time: { seconds: 1 } }),
  },
];

/** A signed recording callback that says something impossible: kept, answered 200, and no recording. */
export function invalidCallback(builder: PlanBuilder, turn: number): void {
  const flaw = itemAt(FLAWS, turn);
  const draft = builder.recording(builder.stream());
  builder.deliver(
    builder.callback(
      `invalid: ${flaw.label}`,
      { kind: "fields", fields: flaw.spoil(draft), escapedTwice: false },
      validSigning(),
      { kind: "invalid", paths: flaw.paths },
      draft.secrets,
    ),
  );
}

/** A signed event of another type: kept, answered 200, and no recording. */
export function unsupportedCallback(builder: PlanBuilder, turn: number): void {
  const type = itemAt(OTHER_EVENT_TYPES, turn);
  const stream = builder.stream();
  const fields = otherEventFields(type, stream, builder.options.baseTimeS, builder.random);
  builder.deliver(
    builder.callback(
      `event type ${type}`,
      { kind: "fields", fields, escapedTwice: false },
      validSigning(),
      { kind: "unsupported", eventType: String(type) },
      [stream.pushSecret],
    ),
  );
}
