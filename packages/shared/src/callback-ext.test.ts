import { SAMPLE_BODY } from "@reelgate/testkit/recording-body";
import { describe, expect, it } from "vitest";
import { readCallbackExt } from "./callback-ext.ts";
import { readRecordingEvent } from "./contract/recording-event.ts";

const parsed = { video_codec: "h264", resolution: "640x480" };

describe("callback_ext", () => {
  it.each([
    ['{"video_codec":"h264","resolution":"640x480"}', parsed],
    ['{\\"video_codec\\":\\"h264\\",\\"resolution\\":\\"640x480\\"}', parsed],
    ['"{\\"video_codec\\":\\"h264\\",\\"resolution\\":\\"640x480\\"}"', parsed],
    ["not json", null],
    ['"just a string"', null],
    ["[".repeat(8000) + "]".repeat(8000), null],
    [null, null],
  ])("of %j", (raw, value) => {
    expect(readCallbackExt(raw)).toEqual(value);
  });

  it("may come as an object", () => {
    const result = readRecordingEvent({ ...SAMPLE_BODY, callback_ext: parsed });
    expect(result.kind === "valid" && readCallbackExt(result.event.callbackExt)).toEqual(parsed);
  });
});
