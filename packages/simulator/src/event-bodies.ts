import type { StreamFacts } from "./callback-body.ts";
import type { BodyFields } from "./plan.ts";
import type { Random } from "./random.ts";

/** Signed events of the provider that are no recordings, with the bodies that its documents show. */
export const OTHER_EVENT_TYPES = [1, 0, 200, 317, 315, 332, 341] as const;
export type OtherEventType = (typeof OTHER_EVENT_TYPES)[number];

/**
 * The body of an event that is no recording, without `t` and `sign`. Each type has its own shape: 317 writes its
 * names in camel case, 332 has `domain` for `app`, 0 has its duration as text.
 *
 * @param nowS Unix time in seconds of the event.
 */
export function otherEventFields(
  type: OtherEventType,
  stream: StreamFacts,
  nowS: number,
  random: Random,
): BodyFields {
  const names = {
    app: stream.domain,
    appname: stream.path,
    stream_id: stream.streamId,
    channel_id: stream.streamId,
  };
  switch (type) {
    case 1:
    case 0:
      return {
        event_type: type,
        appid: stream.appid,
        ...names,
        event_time: nowS,
        sequence: String(random.int(1_000_000, 9_999_999)),
        node: "192.0.2.10",
        user_ip: "198.51.100.7",
        stream_param: stream.streamParam,
        ...(type === 0 ? { push_duration: String(random.int(1000, 9_000_000)) } : {}),
        errcode: type === 0 ? 1 : 0,
        errmsg: type === 0 ? "The push client sent deleteStream" : "ok",
        set_id: random.int(1, 9),
        width: 1280,
        height: 720,
      };
    case 200:
      return {
        event_type: 200,
        stream_id: stream.streamId,
        channel_id: stream.streamId,
        create_time: nowS,
        file_size: random.int(10_000, 90_000),
        width: 640,
        height: 360,
        pic_url: `/${nowS}/${stream.streamId}-screenshot.jpg`,
        pic_full_url: `http://shots-${stream.appid}.cos.ap-guangzhou.myqcloud.com/${nowS}.jpg`,
      };
    case 317:
      return {
        event_type: 317,
        streamId: stream.streamId,
        channelId: stream.streamId,
        img: `http://shots-${stream.appid}.cos.ap-guangzhou.myqcloud.com/${nowS}.jpg`,
        type: [1],
        confidence: random.int(80, 99),
        scores: [{ type: 1, score: random.int(80, 99) }],
        screenshotTime: nowS - 3,
        sendTime: nowS,
      };
    case 315:
      return {
        event_type: 315,
        appid: stream.appid,
        stream_id: stream.streamId,
        domain: stream.domain,
        path: stream.path,
        label: "Ad",
        asr_text: "a phrase that was heard",
      };
    case 332:
      return {
        event_type: 332,
        appid: stream.appid,
        domain: stream.domain,
        appname: stream.path,
        stream_id: stream.streamId,
        event_time: nowS,
        record_event: random.pick(["record_start_succeeded", "record_paused", "record_ended"]),
        record_detail: "{}",
        seq: random.int(1, 100),
        session_id: stream.taskId,
        task_id: stream.taskId,
      };
    case 341:
      return {
        event_type: 341,
        appid: stream.appid,
        domain: stream.domain,
        appname: stream.path,
        stream_id: stream.streamId,
        session_id: stream.taskId,
        timestamp: nowS,
        exception_level: "warning",
        exception: { type: "pull", occurs: random.int(1, 9), desc: "the stream paused" },
      };
    default: {
      const unknown: never = type;
      throw new TypeError(`no such event type: ${String(unknown)}`);
    }
  }
}
