import { SAMPLE_BODY } from "@reelgate/testkit/recording-body";
import { readRecordingEvent } from "@reelgate/shared/contract/recording-event";
import { describe, expect, it } from "vitest";
import { identityOf } from "./identity.ts";

function identity(changes: Record<string, unknown>): string {
  const read = readRecordingEvent({ ...SAMPLE_BODY, ...changes });
  if (read.kind !== "valid") throw new Error(JSON.stringify(read));
  return identityOf(read.event);
}
const bare = { file_id: undefined, record_file_id: undefined };

describe("G3: the identity of a recording", () => {
  it("is the file id within its appid", () => {
    expect(identity({})).toBe("file:12345678:1234567890");
    expect(identity({ file_id: "5285890784246869930" })).not.toBe(
      identity({ file_id: "5285890784246869931" }),
    );
    expect(identity({ appid: 1 })).not.toBe(identity({ appid: 2 }));
  });

  it("is the recording file id in one format without it", () => {
    const hls = identity({ file_id: null });
    expect(hls).toBe("record:12345678:1234567890:hls");
    expect(identity({ file_id: null, file_format: "mp4" })).not.toBe(hls);
  });

  it.each([
    ["app", "other.example"],
    ["appname", "other"],
    ["stream_id", "other"],
    ["file_format", "mp4"],
    ["start_time", 1642089444],
    ["start_time_usec", 316442],
    ["video_url", "http://12345678.vod2.myqcloud.com/other.m3u8"],
  ])("differs by %s without both ids", (field, value) => {
    expect(identity(bare)).toMatch(/^hash:[0-9a-f]{64}$/u);
    expect(identity({ ...bare, [field]: value })).not.toBe(identity(bare));
  });

  it("does not see the query of the URL, nor what may differ between callbacks of one file", () => {
    const url = String(SAMPLE_BODY.video_url);
    for (const changes of [
      { video_url: `${url}?t=1&sign=2` },
      { duration: 1, file_size: 2 },
      { stream_param: "x" },
    ]) {
      expect(identity({ ...bare, ...changes })).toBe(identity(bare));
    }
  });

  it("keeps the parts of the hash apart", () => {
    expect(identity({ ...bare, app: "ab", appname: "c" })).not.toBe(
      identity({ ...bare, app: "a", appname: "bc" }),
    );
  });
});
