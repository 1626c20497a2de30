import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Media } from "@reelgate/shared/contract/media";
import type { Recording } from "@reelgate/shared/contract/recording";
import { fileVerdict, isoMicroseconds } from "./expected-recording.ts";

describe("instants", () => {
  it("are exact to the microsecond", () => {
    expect(isoMicroseconds("2022-01-13T15:57:25.316441Z")).toBe(1_642_089_445_316_441n);
    expect(isoMicroseconds("2022-01-13T15:57:25.3Z")).toBe(1_642_089_445_300_000n);
    expect(isoMicroseconds("2022-01-13T15:57:25+00:00")).toBe(1_642_089_445_000_000n);
    expect(isoMicroseconds("2022-01-13T15:57:25.316441")).toBeNull();
    expect(isoMicroseconds("2022-13-13T15:57:25Z")).toBeNull();
  });

  it("are a number or null for any text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(["bigint", "object"]).toContain(typeof isoMicroseconds(text));
      }),
    );
  });
});

describe("the verdict on a file", () => {
  const pending: Recording = {
    id: "1",
    identity: "i",
    appid: "1",
    app: null,
    appname: null,
    streamId: "s",
    channelId: null,
    fileId: null,
    recordFileId: null,
    templateId: null,
    taskId: null,
    format: "mp4",
    startedAt: "",
    endedAt: "",
    declared: { durationS: 6, sizeBytes: 100, bitrateKbps: null },
    streamParam: null,
    callbackExt: null,
    mediaStartTime: null,
    videoUrl: "",
    callbackCount: 1,
    conflictCount: 0,
    receivedAt: "",
    state: "pending",
    media: null,
    findings: [],
    stored: null,
    failure: null,
  };
  const indexed = (sizeBytes: number | null, ...kinds: string[]): Recording => ({
    ...pending,
    state: "indexed",
    media: {
      container: "mp4",
      durationS: 6,
      durationIsExact: true,
      sizeBytes,
      bitrateKbps: null,
      video: { codec: "h264", width: 160, height: 90, fps: 25 },
      audio: { codec: "aac", sampleRateHz: 44_100, channels: 1 },
      hls: null,
    },
    findings: kinds.map((kind) => ({
      kind: kind as "truncated",
      declared: null,
      actual: null,
      detail: "",
    })),
  });
  const failure = { code: "media_forbidden", message: "", attempts: 1, at: "" };
  const failed: Recording = { ...pending, state: "failed", failure };
  const whole = { file: { kind: "whole", servedBytes: 100 }, format: "mp4" } as const;
  const truncated = { file: { kind: "truncated", servedBytes: 60 }, format: "mp4" } as const;
  const missing = { file: { kind: "missing" }, format: "mp4" } as const;
  const problems = (...of: Parameters<typeof fileVerdict>): string[] => {
    const verdict = fileVerdict(...of);
    return verdict.kind === "waiting" ? ["waiting"] : verdict.differences.map(({ what }) => what);
  };

  it("waits while the recording is pending, and not when it failed", () => {
    expect(problems(pending, whole, 100)).toEqual(["waiting"]);
    expect(problems(failed, whole, 100)).toEqual(["state"]);
    expect(problems(failed, truncated, 100)).toEqual(["state"]);
  });

  it("wants the real size and no finding about it for a whole file", () => {
    expect(problems(indexed(100), whole, 100)).toEqual([]);
    expect(problems(indexed(100, "duration_mismatch"), whole, 100)).toEqual([]);
    expect(problems(indexed(99), whole, 100)).toEqual(["media.sizeBytes"]);
    expect(problems(indexed(null), whole, 100)).toEqual(["media.sizeBytes"]);
    expect(problems(indexed(100, "size_mismatch"), whole, 100)).toEqual(["findings"]);
    expect(problems({ ...indexed(100), state: "stored" }, whole, 100)).toEqual([]);
  });

  it("wants the duration and the tracks of the sample", () => {
    const other = indexed(100);
    const media = (changes: Partial<Media>): Recording =>
      other.media === null ? other : { ...other, media: { ...other.media, ...changes } };
    expect(problems(media({ durationS: 6.04 }), whole, 100)).toEqual([]);
    expect(problems(media({ durationS: 6.2 }), whole, 100)).toEqual(["tracks"]);
    expect(problems(media({ durationS: null }), whole, 100)).toEqual(["tracks"]);
    expect(problems(media({ audio: null }), whole, 100)).toEqual(["tracks"]);
    expect(problems(media({}), { ...whole, format: "aac" }, 100)).toEqual(["tracks"]);
    expect(problems(media({ video: null }), { ...whole, format: "aac" }, 100)).toEqual([]);
  });

  it("takes the refusal of a whole file without a mark of its end, of which more was declared", () => {
    const sound = indexed(100, "truncated", "size_mismatch");
    const refused: Recording = {
      ...sound,
      media: { ...sound.media, video: null } as Media,
      state: "failed",
      failure: { ...failure, code: "media_incomplete" },
    };
    const aac = { ...whole, format: "aac" } as const;
    expect(problems(refused, aac, 101)).toEqual([]);
    expect(problems(refused, aac, 100)).toEqual(["state"]);
    expect(problems(refused, whole, 101)).toEqual(["state"]);
  });

  it("wants no copy of a cut file, and takes the refusal of one", () => {
    const refused: Recording = {
      ...indexed(60, "truncated"),
      state: "pending",
      failure: { ...failure, code: "media_incomplete" },
    };
    expect(problems(refused, truncated, 100)).toEqual([]);
    expect(problems({ ...refused, state: "failed" }, truncated, 100)).toEqual([]);
    expect(problems({ ...refused, findings: [] }, truncated, 100)).toEqual(["findings"]);
    const stored: Recording = { ...indexed(60, "truncated"), state: "stored" };
    expect(problems(stored, truncated, 100)).toEqual(["stored"]);
  });

  it("wants a finding when a callback contradicts a whole file", () => {
    expect(problems(indexed(100), whole, 201)).toEqual(["findings"]);
    expect(problems(indexed(100, "size_mismatch"), whole, 201)).toEqual([]);
  });

  it("wants a finding about a truncated file", () => {
    expect(problems(indexed(60, "truncated"), truncated, 100)).toEqual([]);
    expect(problems(indexed(60, "size_mismatch"), truncated, 100)).toEqual(["findings"]);
    expect(problems(indexed(60), truncated, 100)).toEqual(["findings"]);
    expect(problems(indexed(100), truncated, 100)).toEqual(["media.sizeBytes", "findings"]);
  });

  it("knows that an index of HLS may leave the size open, but not a cut", () => {
    expect(problems(indexed(null), { ...whole, format: "hls" }, 100)).toEqual([]);
    expect(problems(indexed(99), { ...whole, format: "hls" }, 100)).toEqual(["media.sizeBytes"]);
    const cut = { ...truncated, format: "hls" } as const;
    expect(problems(indexed(null), cut, 100)).toEqual(["findings"]);
    expect(problems(indexed(null, "missing_endlist"), cut, 100)).toEqual([]);
  });

  it("takes pending and failed for a missing file, and nothing else", () => {
    expect(problems(pending, missing, 100)).toEqual([]);
    expect(problems(failed, missing, 100)).toEqual([]);
    expect(problems(indexed(100), missing, 100)).toEqual(["state of a missing file"]);
  });

  it("asserts nothing without an origin", () => {
    expect(problems(pending, { file: { kind: "unasserted" }, format: "mp4" }, 1)).toEqual([]);
  });
});
