import { createHash } from "node:crypto";
import type { FileFormat } from "@reelgate/shared/contract/media";
import type { BodyFields, JsonValue } from "./plan.ts";
import type { Random } from "./random.ts";

/** What all files of one live stream share. */
export interface StreamFacts {
  appid: number;
  domain: string;
  path: string;
  streamId: string;
  taskId: string;
  /** Null for a recording that no template asked for. */
  templateId: string | null;
  /** The push URL's parameters, with the push secret; null for a task made by CreateRecordTask. */
  streamParam: string | null;
  pushSecret: string;
  codec: string;
  resolution: string;
}

/** One recording file. Times are Unix seconds with the microseconds beside them. */
export interface FileFacts {
  fileId: string | null;
  recordFileId: string | null;
  format: FileFormat;
  startS: number;
  startUsec: number;
  endS: number;
  endUsec: number;
  durationS: number;
  sizeBytes: number;
  url: string;
  mediaStartTimeMs: number;
}

/** Variations of the provider's own making; none of them changes what a callback says. */
export interface Quirks {
  /** `video_id`, which no version of the specification knows, is in every captured callback. */
  videoId: boolean;
  /** `callback_ext` is missing in callbacks before 2021. */
  callbackExt: "object" | "escaped" | "absent";
}

/** Whole numbers of 19 digits as VOD gives them: beyond 2^53, so only a string carries them. */
export function bigId(...parts: readonly (string | number)[]): string {
  const digest = createHash("sha256").update(parts.join("/")).digest();
  return String((digest.readBigUInt64BE(0) % 8_000_000_000_000_000_000n) + 10n ** 18n);
}

export function makeStream(
  random: Random,
  appid: number,
  runId: string,
  number: number,
): StreamFacts {
  const pushSecret = random.hex(32);
  const byTemplate = random.chance(0.8);
  return {
    appid,
    domain: `push${random.int(1, 4)}.example.com`,
    path: random.pick(["live", "studio", "events"]),
    streamId: `sim-${runId}-${number}`,
    taskId: Buffer.from(bigId("task", runId, number)).toString("base64url"),
    templateId: byTemplate ? String(random.int(100_000, 999_999)) : null,
    streamParam: byTemplate
      ? `txSecret=${pushSecret}&txTime=${random.hex(8).toUpperCase()}&record=${random.pick(["mp4", "hls|flv"])}`
      : null,
    pushSecret,
    codec: random.pick(["h264", "h265"]),
    resolution: random.pick(["640x480", "1280x720", "1920x1080", "1080x1920"]),
  };
}

function callbackExt(stream: StreamFacts, style: Quirks["callbackExt"]): string | null {
  if (style === "absent") return null;
  const text = JSON.stringify({
    video_codec: stream.codec,
    resolution: stream.resolution,
    session_id: stream.taskId,
  });
  return style === "escaped" ? text.replaceAll('"', '\\"') : text;
}

/** The body of a recording callback (event type 100): every field of the specification but `t` and `sign`. */
export function recordingFields(stream: StreamFacts, file: FileFacts, quirks: Quirks): BodyFields {
  const fields: Record<string, JsonValue> = {
    event_type: 100,
    appid: stream.appid,
    app: stream.domain,
  };
  const ext = callbackExt(stream, quirks.callbackExt);
  if (ext !== null) fields.callback_ext = ext;
  Object.assign(fields, {
    appname: stream.path,
    stream_id: stream.streamId,
    channel_id: stream.streamId,
  });
  if (file.fileId !== null) fields.file_id = file.fileId;
  if (file.recordFileId !== null) fields.record_file_id = file.recordFileId;
  Object.assign(fields, {
    record_temp_id: stream.templateId,
    file_format: file.format,
    task_id: stream.taskId,
    start_time: file.startS,
    end_time: file.endS,
    start_time_usec: file.startUsec,
    end_time_usec: file.endUsec,
    duration: file.durationS,
    file_size: file.sizeBytes,
  });
  if (stream.streamParam !== null) fields.stream_param = stream.streamParam;
  Object.assign(fields, {
    video_url: file.url,
    media_start_time: file.mediaStartTimeMs,
    record_bps: 0,
  });
  if (quirks.videoId) fields.video_id = bigId("video", file.url);
  return fields;
}

/** The same callback with every number written as a decimal string, as older documents declare them. */
export function withNumbersAsText(fields: BodyFields): BodyFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "number" ? String(value) : value,
    ]),
  );
}

/** A video URL's path in the form that each format has in the provider's storage. */
export function fileName(format: FileFormat): string {
  return format === "hls" ? "playlist_eof.m3u8" : `f0.${format}`;
}
