import { readFileSync } from "node:fs";
import { SAMPLE_BODY } from "@reelgate/testkit/recording-body";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RECORDING_EVENT_FIELDS, readRecordingEvent } from "./recording-event.ts";

const read = (changes: Record<string, unknown> = {}) =>
  readRecordingEvent({ ...SAMPLE_BODY, ...changes });
const problemsOf = (changes: Record<string, unknown>): string[] => {
  const result = read(changes);
  return result.kind === "invalid"
    ? result.problems.map(({ path, message }) => `${path} ${message}`)
    : [];
};

describe("a recording event", () => {
  it("has every field of the specification's sample, typed", () => {
    expect(read()).toEqual({
      kind: "valid",
      tolerated: [],
      unknownFields: [],
      event: {
        appid: "12345678",
        app: "yourapp",
        appname: "yourappname",
        streamId: "stream_test",
        channelId: "stream_test",
        fileId: "1234567890",
        recordFileId: "1234567890",
        templateId: null,
        taskId: SAMPLE_BODY.task_id,
        format: "hls",
        startedAtUs: 1_642_089_445_316_441,
        endedAtUs: 1_642_089_598_618_577,
        durationS: 154,
        sizeBytes: 277_941_079,
        bitrateKbps: 0,
        streamParam: "stream_param=test",
        callbackExt: SAMPLE_BODY.callback_ext,
        mediaStartTime: 135_802,
        videoUrl: SAMPLE_BODY.video_url,
      },
    });
  });

  it("takes numbers as decimal strings and ids as numbers", () => {
    const strings = Object.fromEntries(
      Object.entries(SAMPLE_BODY).map(([key, value]) => [
        key,
        typeof value === "number" ? String(value) : value,
      ]),
    );
    const asStrings = readRecordingEvent(strings);
    expect(asStrings).toEqual(read());
    const numericId = read({ file_id: 1234567890, stream_id: 42 });
    expect(
      numericId.kind === "valid" && [numericId.event.fileId, numericId.event.streamId],
    ).toEqual(["1234567890", "42"]);
  });

  it("reads null and the empty string as absence", () => {
    const result = read({
      app: "",
      appname: null,
      file_id: "",
      record_bps: null,
      callback_ext: "",
    });
    expect(result.kind === "valid" && result.event).toMatchObject({
      app: null,
      appname: null,
      fileId: null,
      bitrateKbps: null,
      callbackExt: null,
    });
  });

  it.each([
    ["appid", ["appid is missing"]],
    ["stream_id", ["stream_id is missing"]],
    ["file_format", ["file_format is missing"]],
    ["start_time", ["start_time is missing"]],
    ["end_time", ["end_time is missing"]],
    ["duration", ["duration is missing"]],
    ["file_size", ["file_size is missing"]],
    ["video_url", ["video_url is missing"]],
  ])("is invalid without %s", (name, problems) => {
    for (const absent of [undefined, null, ""])
      expect(problemsOf({ [name]: absent })).toEqual(problems);
  });

  it.each([
    [{ file_size: -1 }, "file_size is below 0"],
    [{ file_size: "12x" }, "file_size is not a whole number"],
    [{ file_size: 1.5 }, "file_size is not a whole number that can be held exactly"],
    [{ end_time: 1642089444 }, "end_time is before start_time"],
    [{ end_time: 1642089445, end_time_usec: 1 }, "end_time is before start_time"],
    [{ start_time: 1642089445000 }, "start_time is above 7258118399"],
    [{ video_url: "ftp://12345678.vod2.myqcloud.com/a" }, "video_url is not an http or https URL"],
    [{ video_url: "javascript:alert(1)" }, "video_url is not an http or https URL"],
    [{ video_url: "//no.scheme/a.mp4" }, "video_url is not an http or https URL"],
    [{ stream_id: "a\0b" }, "stream_id has a character that cannot be stored"],
    [{ stream_id: "\ud800" }, "stream_id has a character that cannot be stored"],
    [{ stream_id: "s".repeat(513) }, "stream_id is longer than 512 characters"],
    [{ file_id: { nested: 1 } }, "file_id is not a string"],
    [{ appid: ["1"] }, "appid is not a string"],
  ])("is invalid with %j", (changes, problem) => {
    expect(problemsOf(changes)).toContain(problem);
  });

  it("is invalid in a format outside the four", () => {
    expect(problemsOf({ file_format: "avi" })).toHaveLength(1);
    expect(problemsOf({ file_format: "MP4" })[0]).toMatch(/^file_format /u);
  });

  it("names every problem at once", () => {
    expect(
      problemsOf({ video_url: undefined, file_size: -1, file_format: "x", end_time: 1 }).map(
        (text) => text.split(" ")[0],
      ),
    ).toEqual(["file_format", "file_size", "video_url", "end_time"]);
  });

  it("leaves an unsound optional field out and says so", () => {
    const result = read({ record_bps: "fast", start_time_usec: 1_000_000, channel_id: ["x"] });
    expect(result).toMatchObject({
      kind: "valid",
      event: { bitrateKbps: null, channelId: null, startedAtUs: 1_642_089_445_000_000 },
    });
    expect(result.kind === "valid" && result.tolerated.map(({ path }) => path)).toEqual([
      "channel_id",
      "start_time_usec",
      "record_bps",
    ]);
  });

  it("keeps the names of unknown fields and takes the body all the same", () => {
    expect(read({ video_id: "x", __proto: 1 })).toMatchObject({
      kind: "valid",
      unknownFields: ["video_id", "__proto"],
    });
  });

  it("does not read fields from the prototype", () => {
    const body = Object.create(SAMPLE_BODY) as Record<string, unknown>;
    expect(readRecordingEvent(body).kind).toBe("invalid");
  });

  it("gives any object a result", () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.string({ unit: "binary" }),
      fc.double(),
      fc.maxSafeInteger(),
    );
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...Object.keys(SAMPLE_BODY), "x"), value),
        (changes) => {
          const result = read(changes);
          const sound =
            result.kind === "invalid"
              ? result.problems.length > 0
              : Number.isSafeInteger(result.event.startedAtUs);
          expect(sound).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("documents every field of the specification's tables", () => {
    const names = readFileSync(
      new URL("../../test/specification-fields.txt", import.meta.url),
      "utf8",
    )
      .trim()
      .split("\n");
    expect(Object.keys(RECORDING_EVENT_FIELDS).toSorted()).toEqual(names.toSorted());
  });
});
