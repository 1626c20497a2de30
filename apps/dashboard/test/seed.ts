import { callbackJobId } from "@reelgate/shared/contract/jobs";
import { readRecordingEvent } from "@reelgate/shared/contract/recording-event";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import { settleCallback } from "@reelgate/catalogue/settle";
import type { Settlement, Verdict } from "@reelgate/catalogue/settle";

/** Planted in every body; none of them may ever come out again. */
export const SECRETS = {
  sign: "5ecre7519n0f7h3ca11back000000000",
  txSecret: "5ecretPushKeyOfTheStream",
  urlSignature: "5ecretSignatureOfTheUrl",
  extKey: "5ecretKeyInTheExtension",
  pathSecret: "5ecretInSomethingLikeAPath",
  encoded: "5ecretInAnEncodedUrl",
} as const;

export function eventBody(
  overrides: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return {
    event_type: 100,
    appid: 1250000000,
    app: "live.example.com",
    appname: "live",
    stream_id: "stream-1",
    channel_id: "stream-1",
    file_id: "9007199254740993001",
    record_file_id: "9007199254740993001",
    file_format: "hls",
    task_id: "task-1",
    start_time: 1_700_000_000,
    start_time_usec: 123_456,
    end_time: 1_700_000_060,
    end_time_usec: 654_321,
    duration: 60,
    file_size: 1_234_567,
    stream_param: `txSecret=${SECRETS.txSecret}&txTime=65A0`,
    video_url: `http://1250000000.vod2.myqcloud.com/a/b/playlist.m3u8?sign=${SECRETS.urlSignature}`,
    t: 1_700_000_100,
    sign: SECRETS.sign,
    ...overrides,
  };
}

export interface Seed {
  body: Record<string, unknown>;
  identity?: string;
  receivedAtMs?: number;
  verdict?: Verdict;
}

/** Settles a callback as stage 1 does. */
export async function seed(
  db: CatalogueDatabase,
  options: Seed,
): Promise<Settlement & { id: string }> {
  const { body, receivedAtMs = 1_700_000_061_000 } = options;
  const text = JSON.stringify(body);
  const id = callbackJobId(Buffer.from(text));
  const identity = options.identity ?? `${String(body["appid"])}:${String(body["file_id"])}`;
  const settlement = await settleCallback(db, {
    id,
    body: text,
    receivedAtMs,
    requestId: "request-1",
    remoteAddress: "203.0.113.7",
    keyIndex: 0,
    eventType: String(body["event_type"]),
    unknownFields: [],
    verdict: options.verdict ?? verdictOf(body, identity),
  });
  return { ...settlement, id };
}

function verdictOf(body: Record<string, unknown>, identity: string): Verdict {
  const read = readRecordingEvent(body);
  return read.kind === "valid"
    ? { kind: "recording", identity, event: read.event, tolerated: read.tolerated }
    : { kind: "invalid", problems: read.problems };
}
