import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startProcess } from "@reelgate/launcher/servers/child-process";
import { lastingPort } from "@reelgate/launcher/servers/tcp-port";
import type {
  Callback,
  Page,
  Recording,
  RecordingWithCallbacks,
} from "@reelgate/shared/contract/recording";
import { signature } from "@reelgate/simulator/sign";
import { cleanEnv } from "@reelgate/testkit/clean-env";
import { until } from "@reelgate/testkit/latch";
import { startMediaOrigin } from "@reelgate/testkit/media-origin";
import { SAMPLE_BODY } from "@reelgate/testkit/recording-body";
import { CHECKOUT } from "@reelgate/testkit/spawn-app";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asCallback, inTenMinutes, post, recordingNamed, signed } from "./support/callbacks.ts";
import type { SignedCallback } from "./support/callbacks.ts";
import { KEY, startProduct } from "./support/product.ts";
import type { Dashboard, Ingress } from "./support/product.ts";

const SIMULATOR = join(CHECKOUT, "packages/simulator/dist/cli.js");

const opened = new AsyncDisposableStack();
let ingress: Ingress;
let dashboard: Dashboard;

beforeAll(async () => {
  const product = opened.use(await startProduct());
  [ingress, dashboard] = await Promise.all([
    product.startIngress(),
    product.startDashboard(),
    product.startWorker({ MEDIA_ALLOWED_HOSTS: "127.0.0.1" }),
  ]);
});
afterAll(() => opened.disposeAsync());

async function json<T>(path: string): Promise<T> {
  const response = await dashboard.fetch(path);
  expect([path, response.status]).toEqual([path, 200]);
  return (await response.json()) as T;
}

/** The outcome of a callback, once there is one. */
function settled(callback: SignedCallback): Promise<Callback> {
  return until(
    async () => {
      const response = await dashboard.fetch(`/api/callbacks/${callback.id}`);
      return response.status === 200 && ((await response.json()) as Callback);
    },
    { what: "an outcome", timeoutMs: 30_000, intervalMs: 20 },
  );
}

async function recordingsOf(streamId: string): Promise<Recording[]> {
  const page = await json<Page<Recording>>(`/api/recordings?stream_id=${streamId}`);
  expect(page.nextCursor).toBeNull();
  return page.items;
}

/** The only recording of a stream, once its file was looked at. */
function verified(streamId: string): Promise<Recording> {
  return until(
    async () => {
      const [recording, ...others] = await recordingsOf(streamId);
      expect(others).toEqual([]);
      return recording !== undefined && recording.state !== "pending" && recording;
    },
    { what: "a verified recording", timeoutMs: 30_000, intervalMs: 20 },
  );
}

async function accepted(callback: SignedCallback): Promise<Callback> {
  expect(await post(ingress.callbackUrl, callback.text)).toEqual({
    status: 200,
    body: { code: 0 },
    retryAfter: null,
  });
  return await settled(callback);
}

/** The sample as the specification prints it: blank lines, and the quotes of `callback_ext` escaped twice. */
function printedSample(t: number): SignedCallback {
  return asCallback(String.raw`{
"event_type": 100,

"appid": 12345678,

"app": "yourapp",

"callback_ext": "{\\"video_codec\\":\\"h264\\",\\"resolution\\":\\"640x480\\"}",

"appname": "yourappname",

"stream_id":"stream_test",

"channel_id":"stream_test",

"file_id":"1234567890",

"record_file_id": "1234567890",

"file_format":"hls",

"task_id":"UpTbk5RSVhRQ********************0xTSlNTQltlRVRLU1JAWW9EUb",

"start_time":1642089445,

"end_time":1642089598,

"start_time_usec": 316441,

"end_time_usec": 618577,

"duration":154,

"file_size":277941079,

"stream_param":"stream_param=test",

"video_url":"http://12345678.vod2.myqcloud.com/xxxx/yyyy/zzzz.m3u8",

"media_start_time": 135802,

"record_bps": 0,

"sign":"${signature(KEY, t)}",

"t":${t}
}
`);
}

/** Every field of the sample as the API shows it; the worker may not fetch the file. */
const SAMPLE_RECORDING = {
  id: expect.stringMatching(/^\d+$/u),
  identity: "file:12345678:1234567890",
  appid: "12345678",
  app: "yourapp",
  appname: "yourappname",
  streamId: "stream_test",
  channelId: "stream_test",
  fileId: "1234567890",
  recordFileId: "1234567890",
  templateId: null,
  taskId: "UpTbk5RSVhRQ********************0xTSlNTQltlRVRLU1JAWW9EUb",
  format: "hls",
  startedAt: "2022-01-13T15:57:25.316441Z",
  endedAt: "2022-01-13T15:59:58.618577Z",
  declared: { durationS: 154, sizeBytes: 277_941_079, bitrateKbps: 0 },
  streamParam: "stream_param=[redacted]",
  callbackExt: { video_codec: "h264", resolution: "640x480" },
  mediaStartTime: 135_802,
  videoUrl: "http://12345678.vod2.myqcloud.com/xxxx/yyyy/zzzz.m3u8",
  callbackCount: 1,
  conflictCount: 0,
  receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/u),
  state: "failed",
  media: null,
  findings: [],
  stored: null,
  failure: {
    code: "media_url_forbidden",
    message: expect.any(String),
    attempts: 1,
    at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/u),
  },
};

describe.each([
  {
    how: "as the specification prints it",
    make: printedSample,
    recording: SAMPLE_RECORDING,
  },
  {
    how: "as JSON.stringify writes it",
    make: (t: number): SignedCallback =>
      signed({ ...SAMPLE_BODY, file_id: "2", record_file_id: "2", stream_id: "two" }, { t }),
    recording: {
      ...SAMPLE_RECORDING,
      identity: "file:12345678:2",
      fileId: "2",
      recordFileId: "2",
      streamId: "two",
    },
  },
])("the specification's sample, $how", ({ make, recording }) => {
  const t = inTenMinutes();
  let id: string;

  test("becomes one recording with all its fields", async () => {
    const callback = await accepted(make(t));
    expect(callback).toMatchObject({
      outcome: "recorded",
      eventType: "100",
      keyIndex: 0,
      remoteAddress: "127.0.0.1",
      problems: [],
      conflicts: [],
      unknownFields: [],
    });
    const found = await verified(recording.streamId);
    expect(found).toEqual(recording);
    expect(found.id).toBe(callback.recordingId);
    id = found.id;
  });

  test("signed anew three times it is the same recording, and three duplicates", async () => {
    const before = await json<RecordingWithCallbacks>(`/api/recordings/${id}`);
    for (const offsetS of [1, 2, 3]) {
      expect(await accepted(make(t + offsetS))).toMatchObject({
        outcome: "duplicate",
        recordingId: id,
      });
    }
    const { callbacks, ...after } = await json<RecordingWithCallbacks>(`/api/recordings/${id}`);
    const { callbacks: first, ...unchanged } = before;
    expect(after).toEqual({ ...unchanged, callbackCount: 4 });
    expect(callbacks.map(({ outcome }) => outcome)).toEqual([
      "recorded",
      "duplicate",
      "duplicate",
      "duplicate",
    ]);
    expect(callbacks[0]).toEqual(first[0]);
    expect(await recordingsOf(recording.streamId)).toHaveLength(1);
  });

  test("delivered again byte for byte it is the same callback", async () => {
    const redelivered = make(t);
    const first = await settled(redelivered);
    // A callback that is sent after it and settled tells that the redelivery had its time.
    expect(await accepted(redelivered)).toEqual(first);
    await accepted(signed({ event_type: 1, marker: recording.streamId }));
    expect(await settled(redelivered)).toEqual(first);
    expect(await json<Recording>(`/api/recordings/${id}`)).toMatchObject({ callbackCount: 4 });
  });
});

describe("a callback that contradicts its recording", () => {
  test("is a conflict that names the fields, and changes no data", async () => {
    const fields = recordingNamed("contradicted", { stream_param: "txSecret=abc" });
    const { recordingId } = await accepted(signed(fields));
    const { callbackCount, conflictCount, ...before } = await verified("contradicted");
    expect([callbackCount, conflictCount]).toEqual([1, 0]);
    const conflict = await accepted(
      signed({ ...fields, file_size: 5, video_url: "http://192.0.2.2/other.mp4?sign=abc" }),
    );
    expect(conflict).toMatchObject({ outcome: "conflict", recordingId });
    expect(conflict.conflicts).toEqual([
      { field: "file_size", recorded: 277_941_079, received: 5 },
      {
        field: "video_url",
        recorded: "http://192.0.2.1/recording.mp4",
        received: "http://192.0.2.2/other.mp4",
      },
    ]);
    expect(await verified("contradicted")).toEqual({
      ...before,
      callbackCount: 2,
      conflictCount: 1,
    });
  });
});

describe("a file that is refused at first", () => {
  test("is failed with its reason, and indexed after a retry of the operator", async () => {
    await using origin = await startMediaOrigin({
      files: { "/a.mp4": await readFile(join(CHECKOUT, "packages/simulator/media/sample.mp4")) },
    });
    origin.setFault("/a.mp4", { kind: "status", status: 403 });
    await accepted(signed(recordingNamed("healed", { video_url: `${origin.url}/a.mp4` })));
    const failed = await verified("healed");
    expect(failed).toMatchObject({ state: "failed", failure: { code: "media_forbidden" } });

    origin.setFault("/a.mp4", null);
    const retry = await dashboard.fetch(`/api/recordings/${failed.id}/retry`, { method: "POST" });
    expect(retry.status).toBe(202);
    expect(await verified("healed")).toMatchObject({
      id: failed.id,
      state: "indexed",
      failure: null,
      media: { container: "mp4" },
    });
  });
});

describe("the simulator", () => {
  test("finds every outcome of its mixed scenario as expected", async () => {
    const lines: string[] = [];
    const flags = `--url ${ingress.callbackUrl} --key ${KEY} --count 200 --scenario mixed --rate 0
      --with-origin --origin-port ${await lastingPort()} --verify --api ${dashboard.url} --password`;
    const simulator = await startProcess({
      command: process.execPath,
      args: [SIMULATOR, ...flags.split(/\s+/u), dashboard.password],
      env: cleanEnv({ DATA_DIR: join(CHECKOUT, "e2e", "no-local-run") }),
      onLine: (line) => lines.push(line),
    });
    const exit = await simulator.exited;
    expect({ exit, said: lines.join("\n") }).toEqual({
      exit: { code: 0, signal: null },
      said: expect.stringContaining("no deviation"),
    });
  });
});
