import { FILE_FORMATS } from "@reelgate/shared/contract/media";
import { withNumbersAsText } from "../callback-body.ts";
import type { BodyFields } from "../plan.ts";
import { validSigning } from "./plan-builder.ts";
import type { DraftRecording, FileKind, IdentityKind, PlanBuilder } from "./plan-builder.ts";

/** One stream with one to three files, one callback each: formats, ids and quirks vary as in captured callbacks. */
export function streamOfRecordings(builder: PlanBuilder): void {
  const { random } = builder;
  const stream = builder.stream();
  const { format } = builder.options;
  const formats =
    format === "all"
      ? random.shuffle(FILE_FORMATS).slice(0, random.int(1, 3))
      : Array.from({ length: random.int(1, 3) }, () => format);
  const identity: IdentityKind = random.chance(0.8)
    ? "file_id"
    : random.pick(["record_file_id", "content"]);
  for (const fileFormat of formats) {
    const draft = builder.recording(stream, "whole", fileFormat, identity);
    const asText = random.chance(0.15);
    builder.deliver(
      builder.recordingCallback(draft, {
        fields: asText ? withNumbersAsText(draft.fields) : draft.fields,
        signing: validSigning(0, asText),
        escapedTwice: random.chance(0.05),
      }),
    );
  }
}

/**
 * One recording told several times: byte-identical redeliveries, which are the same callback, and copies that are
 * signed anew, which are callbacks of their own and end as `duplicate`.
 */
export function duplicatedRecording(builder: PlanBuilder): void {
  const { random } = builder;
  const draft = builder.recording(builder.stream());
  const original = builder.recordingCallback(draft);
  builder.deliver(original);
  const again = random.int(0, 2);
  for (let copy = 0; copy < again; copy += 1) {
    builder.deliver(original);
  }
  const resigned = random.int(again === 0 ? 1 : 0, 3);
  for (let copy = 1; copy <= resigned; copy += 1) {
    const asText = random.chance(0.3);
    builder.deliver(
      builder.recordingCallback(draft, {
        fields: asText ? withNumbersAsText(draft.fields) : draft.fields,
        signing: validSigning(copy, asText),
      }),
    );
  }
}

/** The body with another size: the same recording, told in a way that contradicts the first. */
export function contradicting(draft: DraftRecording): BodyFields {
  return { ...draft.fields, file_size: draft.file.sizeBytes * 2 + 1 };
}

/** A recording and a callback that contradicts it; whichever settles first stands, the other is a conflict. */
export function conflictingRecording(builder: PlanBuilder): void {
  const draft = builder.recording(builder.stream());
  const original = builder.recordingCallback(draft);
  const other = builder.recordingCallback(draft, {
    fields: contradicting(draft),
    variant: "another size",
    signing: validSigning(1),
  });
  builder.deliver(original);
  builder.deliver(other);
  if (builder.random.chance(0.3)) builder.deliver(original);
}

/** Several files of one stream, each told twice and one contradicted, the last things first. */
export function streamTheWrongWayRound(builder: PlanBuilder): void {
  const stream = builder.stream();
  const drafts = Array.from({ length: builder.random.int(2, 4) }, () => builder.recording(stream));
  const callbacks = drafts.flatMap((draft, position) => [
    builder.recordingCallback(draft),
    builder.recordingCallback(draft, { signing: validSigning(1) }),
    ...(position === 0
      ? [
          builder.recordingCallback(draft, {
            fields: contradicting(draft),
            variant: "another size",
            signing: validSigning(2),
          }),
        ]
      : []),
  ]);
  for (const callback of callbacks.toReversed()) {
    builder.deliver(callback);
  }
  builder.deliver(builder.random.pick(callbacks));
}

/** A recording whose file is not there, or is shorter than declared. Without an origin nobody can tell. */
export function faultyFile(builder: PlanBuilder, kind: Exclude<FileKind, "whole">): void {
  builder.deliver(builder.recordingCallback(builder.recording(builder.stream(), kind)));
}
