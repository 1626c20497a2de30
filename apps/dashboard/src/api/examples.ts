import type { Overview } from "@reelgate/shared/contract/overview";
import type { Callback, Look, Recording, Stats } from "@reelgate/shared/contract/recording";

/** What the description of the API shows as answers. */
export const CURSOR = "WyIyMDI2LTAxLTMxVDEyOjAwOjAwLjEyMzQ1NloiLCIxNyJd";

export const RECORDING: Recording = {
  id: "17",
  identity: "file:1250000000:9007199254740993001",
  appid: "1250000000",
  app: "live.example.com",
  appname: "live",
  streamId: "room-1",
  channelId: "room-1",
  fileId: "9007199254740993001",
  recordFileId: "9007199254740993001",
  templateId: null,
  taskId: null,
  format: "mp4",
  startedAt: "2026-01-31T12:00:00.123456Z",
  endedAt: "2026-01-31T12:30:00.654321Z",
  declared: { durationS: 1800, sizeBytes: 277_941_079, bitrateKbps: null },
  streamParam: "txSecret=[redacted]&txTime=[redacted]",
  callbackExt: { video_codec: "h264", resolution: "1280x720" },
  mediaStartTime: 135_802,
  videoUrl: "http://1250000000.vod2.myqcloud.com/0123456789abcdef/f0.mp4?[redacted]",
  callbackCount: 1,
  conflictCount: 0,
  receivedAt: "2026-01-31T12:30:09.100000Z",
  state: "stored",
  media: {
    container: "mp4",
    durationS: 1799.96,
    durationIsExact: true,
    sizeBytes: 277_941_000,
    bitrateKbps: 1235,
    video: { codec: "h264", width: 1280, height: 720, fps: 25 },
    audio: { codec: "aac", sampleRateHz: 48_000, channels: 2 },
    hls: null,
  },
  findings: [
    {
      kind: "size_mismatch",
      declared: 277_941_079,
      actual: 277_941_000,
      detail: "The file has 79 bytes less than declared.",
    },
  ],
  stored: {
    url: "s3://recordings-1250000000/live/live.example.com/live/room-1/20260131T120000.123456Z-0123456789abcdef0123456789abcdef.mp4",
    sizeBytes: 277_941_000,
    sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    files: 1,
  },
  failure: null,
};

export const CALLBACK: Callback = {
  id: "cb-2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
  outcome: "recorded",
  eventType: "100",
  recordingId: "17",
  receivedAt: "2026-01-31T12:30:09.100000Z",
  settledAt: "2026-01-31T12:30:09.204518Z",
  remoteAddress: "203.0.113.7",
  requestId: "5f0c4d3e-8f2e-4f7a-9d38-0d8f4a6b7c1e",
  keyIndex: 0,
  problems: [],
  conflicts: [],
  unknownFields: [],
  body: '{"event_type":100,"appid":1250000000,"stream_id":"room-1","sign":"[redacted]"}',
};

export const LOOK: Look = {
  generation: 0,
  result: "stored",
  endedAt: "2026-01-31T12:30:41.000000Z",
  durationMs: 31_214,
  final: true,
  code: null,
  message: null,
};

const QUEUE = { waiting: 3, active: 8, delayed: 1, failed: 0, completed: 1000 };

export const STATS: Stats = {
  callbacks: {
    total: 1206,
    byOutcome: { recorded: 1200, duplicate: 5, conflict: 1, invalid: 0, unsupported: 0 },
  },
  recordings: {
    total: 1200,
    byState: { pending: 12, indexed: 0, stored: 1184, failed: 4 },
    withFindings: 3,
  },
  queues: { callbacks: { ...QUEUE, waiting: 0 }, media: QUEUE },
};

export const OVERVIEW: Overview = {
  at: "2026-01-31T12:31:07.501220Z",
  windowMinutes: 1,
  minutes: [
    {
      at: "2026-01-31T12:31:00.000Z",
      byOutcome: { recorded: 20, duplicate: 1, conflict: 0, invalid: 0, unsupported: 0 },
    },
  ],
  countedFrom: null,
  queues: {
    callbacks: { ...QUEUE, waiting: 0, oldestWaitingS: null },
    media: { ...QUEUE, oldestWaitingS: 4.2 },
  },
  lag: {
    recordings: 20,
    endToReceived: { p50S: 8.9, p99S: 21.4 },
    receivedToCatalogued: { p50S: 0.1, p99S: 0.3 },
    cataloguedToVerified: { p50S: 12.1, p99S: 64.9 },
    endToVerified: { p50S: 21.3, p99S: 80.2 },
  },
  failures: [{ code: "media_not_found", recordings: 4 }],
  failedLooks: [{ code: "media_timeout", looks: 2 }],
  findings: [{ kind: "size_mismatch", recordings: 1 }],
};
