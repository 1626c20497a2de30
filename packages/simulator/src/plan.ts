import type { FileFormat } from "@reelgate/shared/contract/media";
import type { OriginFile } from "./origin.ts";

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** A callback's body without `t` and `sign`, in the order in which the fields are written. */
export type BodyFields = Readonly<Record<string, JsonValue>>;

/**
 * What is sent: an object that is signed at the time of sending, or bytes that are no such object. `escapedTwice`
 * writes quotes inside strings as the specification prints them in its sample, which is no well-formed JSON.
 */
export type Content =
  | { kind: "fields"; fields: BodyFields; escapedTwice: boolean }
  | { kind: "raw"; bytes: Uint8Array };

/**
 * How `t` and `sign` are made. Both are made when the body is first sent, since a plan may take longer than the
 * ten minutes for which a signature is good.
 * - `valid`: `t` is ten minutes from now, plus `offsetS` so that two copies made in one second differ.
 * - `captured`: `t` and `sign` of another callback, as somebody who saw that one would reuse them.
 */
export type Signing =
  | { kind: "valid"; offsetS: number; tAsText: boolean }
  | { kind: "captured"; from: number }
  | { kind: "wrong_key"; key: string }
  | { kind: "expired"; agoS: number }
  | { kind: "without_sign" }
  | { kind: "without_t" }
  | { kind: "sign_of_wrong_type" }
  | { kind: "none" };

export type RefusalStatus = 400 | 401 | 413;

/** What must become of a callback. */
export type Expectation =
  | { kind: "refused"; status: RefusalStatus; error: string }
  /** One of several callbacks about one recording; `variant` tells apart those that contradict each other. */
  | { kind: "recording"; recording: string; variant: string }
  /** At least one problem is reported at one of `paths`. */
  | { kind: "invalid"; paths: readonly string[] }
  | { kind: "unsupported"; eventType: string };

/** One body, delivered once or several times. */
export interface PlannedCallback {
  index: number;
  label: string;
  content: Content;
  signing: Signing;
  expect: Expectation;
  /** Texts of the body that no answer of the API may contain. */
  secrets: readonly string[];
}

/** One POST, apart from its retries. */
export interface Delivery {
  callback: number;
  /**
   * False for a planned refusal: the provider would repeat it twelve times and be refused twelve times, so an answer
   * of 4xx ends it. Without such an answer (no connection, timeout, 429, 5xx) it is repeated as any other.
   */
  retry: boolean;
}

/** What is behind a recording's URL; `unasserted` when nobody knows (no origin was started). */
export type PlannedFile =
  | { kind: "unasserted" }
  | { kind: "missing" }
  | { kind: "whole"; servedBytes: number }
  | { kind: "truncated"; servedBytes: number };

/** One file that the provider made, with the bodies that its callbacks declare, by variant. */
export interface PlannedRecording {
  key: string;
  streamId: string;
  format: FileFormat;
  file: PlannedFile;
  variants: ReadonlyMap<string, BodyFields>;
}

/** Everything that a run sends and what must come of it. */
export interface Plan {
  scenario: string;
  seed: string;
  runId: string;
  callbacks: readonly PlannedCallback[];
  deliveries: readonly Delivery[];
  recordings: readonly PlannedRecording[];
  /** Every stream that some body names, with the number of recordings that it must have in the end. */
  streams: ReadonlyMap<string, number>;
  /** What the origin must serve, by URL path. */
  originFiles: ReadonlyMap<string, OriginFile>;
}
