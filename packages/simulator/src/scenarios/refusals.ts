import type { Content, Expectation, RefusalStatus, Signing } from "../plan.ts";
import { itemAt } from "../random.ts";
import { validSigning } from "./plan-builder.ts";
import type { DraftRecording, PlanBuilder } from "./plan-builder.ts";
import { contradicting } from "./recordings.ts";

/** Larger than the 65,536 bytes that MAX_BODY_BYTES allows unless it is set. */
const OVERSIZED_PADDING = "x".repeat(70_000);

const refused = (status: RefusalStatus, error: string): Expectation => ({
  kind: "refused",
  status,
  error,
});

const fieldsOf = (draft: DraftRecording): Content => ({
  kind: "fields",
  fields: draft.fields,
  escapedTwice: false,
});

const raw = (bytes: string | Uint8Array): Content => ({
  kind: "raw",
  bytes: typeof bytes === "string" ? Buffer.from(bytes, "utf8") : bytes,
});

type Attack = (builder: PlanBuilder, draft: DraftRecording) => void;

function refuse(
  builder: PlanBuilder,
  label: string,
  content: Content,
  signing: Signing,
  expect: Expectation,
): void {
  builder.deliver(builder.callback(label, content, signing, expect));
}

/** Signed with a key that the receiver does not have: a forgery of a recording that exists, or of a new one. */
const wrongKey: Attack = (builder, draft) => {
  const signing: Signing = { kind: "wrong_key", key: builder.random.hex(16) };
  const forged = builder.random.chance(0.5)
    ? fieldsOf(draftOnly(builder))
    : ({ kind: "fields", fields: contradicting(draft), escapedTwice: false } as const);
  refuse(builder, "wrong key", forged, signing, refused(401, "bad_signature"));
};

/** `sign` covers `t` alone, so a body altered after signing is accepted; it must not overwrite the recording. */
const alteredAfterSigning: Attack = (builder, draft) => {
  const original = builder.recordingCallback(draft);
  builder.deliver(original);
  builder.deliver(
    builder.recordingCallback(draft, {
      fields: contradicting(draft),
      variant: "altered",
      signing: { kind: "captured", from: original.index },
    }),
  );
};

const missing =
  (signing: Signing, label: string): Attack =>
  (builder, draft) => {
    refuse(builder, label, fieldsOf(draft), signing, refused(400, "missing_signature"));
  };

const malformed =
  (label: string, bytes: string | Uint8Array, error: string): Attack =>
  (builder) => {
    refuse(builder, label, raw(bytes), { kind: "none" }, refused(400, error));
  };

const oversized: Attack = (builder, draft) => {
  const fields = { ...draft.fields, padding: OVERSIZED_PADDING };
  refuse(
    builder,
    "oversized body",
    { kind: "fields", fields, escapedTwice: false },
    validSigning(),
    refused(413, "too_large"),
  );
};

/** Facts of a recording that is never announced validly: it must not come to exist. */
const draftOnly = (builder: PlanBuilder): DraftRecording => builder.recording(builder.stream());

const ATTACKS: readonly Attack[] = [
  wrongKey,
  alteredAfterSigning,
  missing({ kind: "without_sign" }, "no sign"),
  missing({ kind: "without_t" }, "no t"),
  missing({ kind: "none" }, "neither t nor sign"),
  missing({ kind: "sign_of_wrong_type" }, "sign is a number"),
  malformed("empty body", "", "malformed_json"),
  malformed("cut off in the middle", '{"event_type":100,"stream_id":"cut', "malformed_json"),
  malformed("no JSON", "event_type=100&stream_id=form", "malformed_json"),
  malformed(
    "invalid UTF-8",
    Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    "malformed_json",
  ),
  malformed("null", "null", "not_an_object"),
  malformed("an array", '[{"event_type":100}]', "not_an_object"),
  oversized,
];

/** A true recording (but for an altered one, which brings its own) followed by one attack; `turn` chooses which. */
export function attackedRecording(builder: PlanBuilder, turn: number): void {
  const attack = itemAt(ATTACKS, turn);
  const draft = draftOnly(builder);
  if (attack !== alteredAfterSigning) builder.deliver(builder.recordingCallback(draft));
  attack(builder, draft);
}

/** Validly signed, but `t` has passed: by hours or days, so that no reasonable grace covers it. */
export function expiredRecording(builder: PlanBuilder): void {
  const agoS = builder.random.int(86_400, 30 * 86_400);
  refuse(
    builder,
    "expired",
    fieldsOf(draftOnly(builder)),
    { kind: "expired", agoS },
    refused(401, "expired"),
  );
}
