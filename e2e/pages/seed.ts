import { createHash } from "node:crypto";
import { recordMediaFailure, recordMediaReport } from "@reelgate/catalogue/media-state";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { settleCallback } from "@reelgate/catalogue/settle";
import type { Settlement, Verdict } from "@reelgate/catalogue/settle";
import type { Finding, Media } from "@reelgate/shared/contract/media";
import { readRecordingEvent } from "@reelgate/shared/contract/recording-event";
import type { StoredCopy } from "@reelgate/shared/contract/recording";

type Fields = Readonly<Record<string, unknown>>;

export interface RecordingSeed {
  name: string;
  format?: "mp4" | "hls" | "flv" | "aac";
  startMs: number;
  durationS: number;
  fields?: Fields;
}

const BITRATE_BYTES = 225_000;

/** The body of a recording's callback, as the provider would send it. */
export function bodyOf(seed: RecordingSeed): Fields {
  const { name, format = "mp4", startMs, durationS } = seed;
  const id = createHash("sha256").update(`${name} ${format} ${startMs}`).digest("hex");
  const fileId = BigInt(`0x${id.slice(0, 15)}`).toString();
  return {
    event_type: 100,
    appid: 1250000000,
    app: "push.example.com",
    appname: "live",
    stream_id: name,
    channel_id: name,
    file_id: fileId,
    record_file_id: fileId,
    file_format: format,
    task_id: `task-${id.slice(0, 20)}`,
    start_time: Math.floor(startMs / 1000),
    start_time_usec: Math.round((startMs % 1000) * 1000),
    end_time: Math.floor(startMs / 1000 + durationS),
    end_time_usec: 250_000,
    duration: Math.round(durationS),
    file_size: Math.round(durationS * BITRATE_BYTES),
    record_bps: 0,
    stream_param: "txSecret=5ecretPushKey&txTime=65A0",
    video_url: `https://1250000000.vod2.myqcloud.com/${id.slice(0, 12)}/f0.${format === "hls" ? "m3u8" : format}`,
    callback_ext: '{"video_codec":"h264","resolution":"1920x1080"}',
    ...seed.fields,
  };
}

/** Settles a body as stage 1 does. */
export async function settle(
  db: CatalogueDatabase,
  body: Fields,
  receivedAtMs: number,
  verdict?: Verdict,
): Promise<Settlement> {
  const text = JSON.stringify(body);
  return await settleCallback(db, {
    id: `cb-${createHash("sha256").update(text).digest("hex")}`,
    body: text,
    receivedAtMs,
    requestId: `request-${text.length}`,
    remoteAddress: "203.0.113.7",
    keyIndex: 0,
    eventType: String(body["event_type"]),
    unknownFields: [],
    verdict: verdict ?? verdictOf(body),
  });
}

function verdictOf(body: Fields): Verdict {
  const read = readRecordingEvent(body);
  return read.kind === "valid"
    ? {
        kind: "recording",
        identity: `file:${read.event.appid}:${read.event.fileId ?? ""}:${read.event.format}`,
        event: read.event,
        tolerated: read.tolerated,
      }
    : { kind: "invalid", problems: read.problems };
}

/** A new recording, pending; gives its id. */
export async function recorded(db: CatalogueDatabase, seed: RecordingSeed): Promise<string> {
  const endMs = seed.startMs + seed.durationS * 1000;
  const { recordingId } = await settle(db, bodyOf(seed), endMs + 2400);
  if (recordingId === null) throw new Error(`The callback of ${seed.name} made no recording`);
  return recordingId;
}

function mediaOf(seed: RecordingSeed, changes: Partial<Media> = {}): Media {
  const { format = "mp4", durationS } = seed;
  const sizeBytes = Math.round(durationS * BITRATE_BYTES);
  return {
    container: format,
    durationS,
    durationIsExact: true,
    sizeBytes,
    bitrateKbps: Math.round((sizeBytes * 8) / durationS / 1000),
    video: format === "aac" ? null : { codec: "h264", width: 1920, height: 1080, fps: 29.97 },
    audio: { codec: "aac", sampleRateHz: 48_000, channels: 2 },
    hls:
      format === "hls"
        ? {
            segmentCount: Math.ceil(durationS / 6),
            targetDurationS: 6,
            encrypted: false,
            variants: 0,
          }
        : null,
    ...changes,
  };
}

export interface Found {
  media?: Partial<Media>;
  findings?: Finding[];
  stored?: StoredCopy;
}

/** A recording whose file was looked at; stored when there is a copy. */
export async function looked(
  db: CatalogueDatabase,
  seed: RecordingSeed,
  found: Found = {},
): Promise<string> {
  const recordingId = await recorded(db, seed);
  await recordMediaReport(
    db,
    { recordingId, generation: 0 },
    { media: mediaOf(seed, found.media), findings: found.findings ?? [] },
    found.stored ?? null,
    640,
  );
  return recordingId;
}

/** A recording of which nothing could be said, after some attempts. */
export async function failed(
  db: CatalogueDatabase,
  seed: RecordingSeed,
  failure: {
    code: string;
    message: string;
    attempts?: number;
    findings?: Finding[];
    media?: Partial<Media>;
  },
): Promise<string> {
  const { code, message, attempts = 1, findings, media } = failure;
  const recordingId = await recorded(db, seed);
  for (let attempt = 1; attempt <= attempts; attempt++) {
    await recordMediaFailure(
      db,
      { recordingId, generation: 0 },
      {
        code,
        message,
        attempts: attempt,
        final: attempt === attempts,
        report: findings === undefined ? null : { media: mediaOf(seed, media), findings },
        durationMs: 850 + attempt * 130,
      },
    );
  }
  return recordingId;
}
