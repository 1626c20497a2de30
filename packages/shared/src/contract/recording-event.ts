import { z } from "zod";
import { fileFormatSchema } from "./media.ts";
import type { FileFormat } from "./media.ts";
import type { Problem } from "./recording.ts";

/**
 * The recording callback (event type 100) as the provider's specification "Recording Event Notification" defines it,
 * and the reading of one into typed values.
 *
 * Reading is tolerant where the provider is known to vary and strict where a mistake would harm the catalogue:
 * - numbers may come as numbers or as decimal strings, ids as strings or whole numbers;
 * - null and "" in any field mean that it is absent;
 * - fields that the specification does not know are kept with the body and reported by name;
 * - a required field, or one that identifies the recording, must be sound, else the callback is invalid;
 * - an unsound optional field is left out and reported, for a change of the provider in a field that nobody needs must
 *   not stop every recording.
 */

/** Value of `event_type` for "Live recording (files)". */
export const RECORDING_EVENT_TYPE = 100;

/** The last second of the year 2199: microseconds since 1970 up to here are exact in a double. */
const MAX_UNIX_S = 7_258_118_399;

/** Longest text in an indexed column: four bytes a character stay below Postgres' index row limit of 2,704 bytes. */
const MAX_INDEXED_CHARS = 512;
/** `app` and `appname` share an index row. A domain name has 253 characters at most. */
const MAX_PAIRED_CHARS = 255;
const MAX_TEXT_CHARS = 16_384;

/** Postgres stores neither NUL nor a lone surrogate in text. */
const isStorable = (value: string): boolean => !value.includes("\0") && value.isWellFormed();

const storableText = (maxChars: number): z.ZodType<string> =>
  z
    .string("is not a string")
    .max(maxChars, `is longer than ${maxChars} characters`)
    .refine(isStorable, "has a character that cannot be stored");

/** An id: text, or a whole number (exact beyond 2^53 when read with `parseJsonExact`). Never arithmetic. */
const id = (maxChars: number): z.ZodType<string> =>
  z.preprocess(
    (value) => (Number.isSafeInteger(value) ? String(value) : value),
    storableText(maxChars),
  );

const integer = (min: number, max: number): z.ZodType<number> =>
  z.preprocess(
    (value) => (typeof value === "string" && /^-?\d{1,20}$/u.test(value) ? Number(value) : value),
    z
      .number("is not a whole number")
      .refine(Number.isSafeInteger, "is not a whole number that can be held exactly")
      .min(min, `is below ${min}`)
      .max(max, `is above ${max}`),
  );

const httpUrl: z.ZodType<string> = storableText(8192).refine((value) => {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  return (url.protocol === "http:" || url.protocol === "https:") && url.hostname !== "";
}, "is not an http or https URL");

export interface FieldDefinition {
  schema: z.ZodType;
  /** `required`: must be there and sound. `identity`: may be absent, must be sound. `optional`: left out if unsound. */
  presence: "required" | "identity" | "optional";
  /** What it is, with its unit; the source is the specification's table of that name unless another is named. */
  description: string;
}

/** Every field of the specification. "Common" is its table of common callback parameters. */
export const RECORDING_EVENT_FIELDS: Readonly<Record<string, FieldDefinition>> = {
  event_type: {
    schema: integer(RECORDING_EVENT_TYPE, RECORDING_EVENT_TYPE),
    presence: "required",
    description: "Event type; 100 for a recording file.",
  },
  t: {
    schema: integer(0, MAX_UNIX_S),
    presence: "optional",
    description:
      "Common: when the signature expires, Unix time in seconds. Checked by the ingress.",
  },
  sign: {
    schema: storableText(64),
    presence: "optional",
    description: "Common: MD5(key + t) in hex. Checked by the ingress, never shown.",
  },
  appid: { schema: id(32), presence: "required", description: "The user's APPID." },
  app: {
    schema: storableText(MAX_PAIRED_CHARS),
    presence: "optional",
    description: "Push domain.",
  },
  appname: {
    schema: storableText(MAX_PAIRED_CHARS),
    presence: "optional",
    description: "Push path.",
  },
  stream_id: {
    schema: id(MAX_INDEXED_CHARS),
    presence: "required",
    description: "Name of the live stream.",
  },
  channel_id: {
    schema: id(MAX_INDEXED_CHARS),
    presence: "optional",
    description: "Same as the stream id.",
  },
  file_id: {
    schema: id(256),
    presence: "identity",
    description: "VOD file id, unique in VOD. A decimal beyond 2^53 in VOD, APPID_hex in COS.",
  },
  record_file_id: {
    schema: id(256),
    presence: "identity",
    description: "Id of the recording file.",
  },
  record_temp_id: {
    schema: id(256),
    presence: "optional",
    description: "Template of the recording task; absent for a global task.",
  },
  file_format: {
    schema: fileFormatSchema,
    presence: "required",
    description: "Format of the file: flv, hls, mp4 or aac.",
  },
  task_id: {
    schema: id(MAX_INDEXED_CHARS),
    presence: "optional",
    description: "Id of the recording task, as CreateRecordTask returned it.",
  },
  start_time: {
    schema: integer(1, MAX_UNIX_S),
    presence: "required",
    description: "Start of the recording, Unix time in seconds.",
  },
  end_time: {
    schema: integer(1, MAX_UNIX_S),
    presence: "required",
    description: "End of the recording, Unix time in seconds.",
  },
  start_time_usec: {
    schema: integer(0, 999_999),
    presence: "optional",
    description: "Microseconds to add to start_time.",
  },
  end_time_usec: {
    schema: integer(0, 999_999),
    presence: "optional",
    description: "Microseconds to add to end_time.",
  },
  duration: {
    schema: integer(0, MAX_UNIX_S),
    presence: "required",
    description: "Duration of the file in seconds; may differ from end minus start.",
  },
  file_size: {
    schema: integer(0, Number.MAX_SAFE_INTEGER),
    presence: "required",
    description: "Size of the recording file in bytes.",
  },
  stream_param: {
    schema: storableText(MAX_TEXT_CHARS),
    presence: "optional",
    description: "Parameters of the push URL. They carry the push secret: never shown.",
  },
  video_url: {
    schema: httpUrl,
    presence: "required",
    description: "Download URL of the recording file.",
  },
  media_start_time: {
    schema: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    presence: "optional",
    description: "PTS when the stream was first pulled for recording, in milliseconds.",
  },
  record_bps: {
    schema: integer(0, Number.MAX_SAFE_INTEGER),
    presence: "optional",
    description: "Bitrate of the recorded transcoding output in kbps; 0 for none.",
  },
  callback_ext: {
    schema: z.preprocess(
      (value) => (typeof value === "object" && value !== null ? JSON.stringify(value) : value),
      storableText(MAX_TEXT_CHARS),
    ),
    presence: "optional",
    description: "A JSON object as a string: video_codec, resolution, session_id and more.",
  },
};

/** A recording callback, read. Times are Unix time in microseconds, sizes in bytes, durations in seconds. */
export interface RecordingEvent {
  appid: string;
  app: string | null;
  appname: string | null;
  streamId: string;
  channelId: string | null;
  fileId: string | null;
  recordFileId: string | null;
  templateId: string | null;
  taskId: string | null;
  format: FileFormat;
  startedAtUs: number;
  endedAtUs: number;
  durationS: number;
  sizeBytes: number;
  bitrateKbps: number | null;
  streamParam: string | null;
  /** As it came; `readCallbackExt` reads it. */
  callbackExt: string | null;
  mediaStartTime: number | null;
  videoUrl: string;
}

export type RecordingEventResult =
  | { kind: "valid"; event: RecordingEvent; tolerated: Problem[]; unknownFields: string[] }
  | { kind: "invalid"; problems: Problem[]; unknownFields: string[] };

/**
 * Reads the body of a recording callback. Every problem is reported, each with the path of its field.
 *
 * @param body the parsed body; numbers beyond 2^53 as strings of digits (`parseJsonExact`).
 */
export function readRecordingEvent(body: Readonly<Record<string, unknown>>): RecordingEventResult {
  const problems: Problem[] = [];
  const tolerated: Problem[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(RECORDING_EVENT_FIELDS)) {
    const given = Object.hasOwn(body, name) ? body[name] : undefined;
    if (given === undefined || given === null || given === "") {
      if (field.presence === "required") problems.push({ path: name, message: "is missing" });
      continue;
    }
    const parsed = field.schema.safeParse(given);
    if (parsed.success) values[name] = parsed.data;
    else {
      const message = parsed.error.issues[0]?.message ?? "is not usable";
      (field.presence === "optional" ? tolerated : problems).push({ path: name, message });
    }
  }
  const unknownFields = Object.keys(body).filter(
    (key) => !Object.hasOwn(RECORDING_EVENT_FIELDS, key),
  );
  const startedAtUs = microseconds(values.start_time, values.start_time_usec);
  const endedAtUs = microseconds(values.end_time, values.end_time_usec);
  if (startedAtUs !== null && endedAtUs !== null && endedAtUs < startedAtUs) {
    problems.push({ path: "end_time", message: "is before start_time" });
  }
  if (problems.length > 0 || startedAtUs === null || endedAtUs === null) {
    return { kind: "invalid", problems: [...problems, ...tolerated], unknownFields };
  }
  const optional = <T>(name: string): T | null => (values[name] as T | undefined) ?? null;
  return {
    kind: "valid",
    tolerated,
    unknownFields,
    event: {
      appid: values.appid as string,
      app: optional("app"),
      appname: optional("appname"),
      streamId: values.stream_id as string,
      channelId: optional("channel_id"),
      fileId: optional("file_id"),
      recordFileId: optional("record_file_id"),
      templateId: optional("record_temp_id"),
      taskId: optional("task_id"),
      format: values.file_format as FileFormat,
      startedAtUs,
      endedAtUs,
      durationS: values.duration as number,
      sizeBytes: values.file_size as number,
      bitrateKbps: optional("record_bps"),
      streamParam: optional("stream_param"),
      callbackExt: optional("callback_ext"),
      mediaStartTime: optional("media_start_time"),
      videoUrl: values.video_url as string,
    },
  };
}

function microseconds(seconds: unknown, fraction: unknown): number | null {
  return typeof seconds === "number"
    ? seconds * 1_000_000 + (typeof fraction === "number" ? fraction : 0)
    : null;
}
