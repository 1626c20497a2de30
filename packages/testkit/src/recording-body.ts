import type { CallbackJob } from "@reelgate/shared/contract/jobs";

/** The specification's sample callback, as an object, without `t` and `sign`. */
export const SAMPLE_BODY: Readonly<Record<string, unknown>> = {
  event_type: 100,
  appid: 12345678,
  app: "yourapp",
  callback_ext: '{"video_codec":"h264","resolution":"640x480"}',
  appname: "yourappname",
  stream_id: "stream_test",
  channel_id: "stream_test",
  file_id: "1234567890",
  record_file_id: "1234567890",
  file_format: "hls",
  task_id: "UpTbk5RSVhRQ********************0xTSlNTQltlRVRLU1JAWW9EUb",
  start_time: 1642089445,
  end_time: 1642089598,
  start_time_usec: 316441,
  end_time_usec: 618577,
  duration: 154,
  file_size: 277941079,
  stream_param: "stream_param=test",
  video_url: "http://12345678.vod2.myqcloud.com/xxxx/yyyy/zzzz.m3u8",
  media_start_time: 135802,
  record_bps: 0,
};

/** The sample with some fields changed; `undefined` leaves a field out. */
export function recordingBody(changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ ...SAMPLE_BODY, ...changes });
}

/** The job that the ingress makes of a body. */
export function callbackJobOf(body: string): CallbackJob {
  return {
    body,
    receivedAtMs: Date.now(),
    requestId: "test-request",
    remoteAddress: "127.0.0.1",
    keyIndex: 0,
  };
}
