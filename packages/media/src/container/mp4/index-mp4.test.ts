import { readFileSync } from "node:fs";
import { fixturePath, MEDIA_FIXTURES } from "@reelgate/testkit/media-fixtures";
import { describe, expect, test } from "vitest";
import { memorySource } from "../../../test/memory-source.ts";
import type { ContainerReport } from "../container-report.ts";
import { indexMp4 } from "./index-mp4.ts";

const NEVER = new AbortController().signal;
const MP4_FIXTURES = MEDIA_FIXTURES.filter(({ format }) => format === "mp4");
const INTACT = MP4_FIXTURES.filter(({ damage }) => damage === null);
const DAMAGED = MP4_FIXTURES.filter(({ damage }) => damage !== null);

/** Fragments without an index: nothing in the file tells where it ends. */
const WITHOUT_END_MARK = [
  "mp4/fragmented-no-index.mp4",
  "mp4/fragmented-sidx-each.mp4",
  "mp4/fragmented-styp.mp4",
];

function roundedFps(fps: number | null | undefined): number | null {
  return fps === null || fps === undefined ? null : Math.round(fps * 1000) / 1000;
}

describe("an intact file", () => {
  test("of each kind is among the fixtures", () => {
    expect(INTACT.length).toBeGreaterThan(25);
  });

  test.each(INTACT)("$name: as ffprobe says", async ({ name, ffprobe }) => {
    const source = memorySource(readFileSync(fixturePath(name)));
    const report = await indexMp4(source, NEVER);
    const { video, audio } = ffprobe;
    expect(report.video).toEqual(video === null ? null : { ...video, fps: roundedFps(video.fps) });
    expect(report.audio).toEqual(audio);
    const frameS = 1 / (report.video?.fps ?? (audio?.sampleRateHz ?? 0) / 1024);
    expect(Math.abs((report.durationS ?? NaN) - (ffprobe.durationS ?? NaN))).toBeLessThan(
      frameS + 1e-6,
    );
    expect(report).toMatchObject({
      durationIsExact: true,
      completeness: WITHOUT_END_MARK.includes(name) ? "unknown" : "whole",
      findings: [],
    });
    expect(source.fetchedBytes).toBeLessThanOrEqual(65_536);
  });
});

/** What each damaged file must give: completeness and kinds of findings, and words of the first sentence. */
const EXPECTED: Record<string, [ContainerReport["completeness"], string[], string]> = {
  "mp4-faststart-cut": ["truncated", ["truncated"], "mdat at 5237 ends at 43368: 17348 bytes"],
  "mp4-faststart-cut-in-moov": ["truncated", ["truncated"], "moov at 32"],
  "mp4-faststart-last-byte-missing": ["truncated", ["truncated"], "1 byte is missing"],
  "mp4-moov-last-cut": ["truncated", ["truncated"], "mdat at 40 ends at 38171: 12151 bytes"],
  "mp4-moov-last-cut-in-moov": ["truncated", ["truncated"], "moov at 38171"],
  "mp4-large-size-box-cut": ["truncated", ["truncated"], "mdat at 32"],
  "mp4-mdat-to-end-cut": ["truncated", ["truncated"], "The last samples end at 43368"],
  "mp4-fragmented-cut-in-fragment": ["truncated", ["truncated"], "The last mdat"],
  "mp4-fragmented-cut-in-moof": ["truncated", ["truncated"], "The last moof"],
  // Nothing in the file tells: only its declared size and duration do.
  "mp4-fragmented-cut-between-fragments": ["unknown", [], ""],
  "mp4-fragmented-sidx-cut-between-fragments": ["truncated", ["truncated"], "The index (sidx)"],
  "mp4-fragmented-cut-before-fragments": ["truncated", ["truncated"], "announces fragments"],
  "mp4-box-larger-than-parent": ["whole", ["damaged"], "trak at 148 ends 996734 bytes beyond"],
  "mp4-sample-count-absurd": ["whole", ["damaged"], "says 2147483647 entries and has room for 150"],
  "mp4-zeros-in-the-middle-of-top-level": ["whole", ["damaged"], "At 14791, behind a fragment"],
  html: ["unknown", ["damaged"], "At 0 something that is no box"],
  "no-such-key": ["unknown", ["damaged"], "At 0 something that is no box"],
  zeros: ["unknown", ["damaged"], "From 0 on there are zero bytes"],
  random: ["unknown", ["damaged"], "At 0 no box begins"],
  empty: ["unknown", ["damaged"], "There is no moov"],
};

describe("a damaged file", () => {
  test("of each kind is expected to give something", () => {
    expect(DAMAGED.map(({ name }) => name.slice(8, -4)).toSorted()).toEqual(
      Object.keys(EXPECTED).toSorted(),
    );
  });

  test.each(DAMAGED)("$name: $damage", async ({ name }) => {
    const [completeness, kinds, words] = EXPECTED[name.slice(8, -4)] ?? ["whole", ["?"], "?"];
    const report = await indexMp4(memorySource(readFileSync(fixturePath(name))), NEVER);
    expect(report.findings.map(({ kind }) => kind)).toEqual(kinds);
    expect(report.findings[0]?.detail ?? "").toContain(words);
    expect(report.completeness).toBe(completeness);
    expect(report.durationIsExact).toBe(kinds.length === 0);
  });

  test("that is cut still has what its header says, and what is missing", async () => {
    const whole = readFileSync(fixturePath("mp4/faststart.mp4"));
    const report = await indexMp4(memorySource(whole.subarray(0, 20_000)), NEVER);
    expect(report).toMatchObject({ durationS: 6.014, durationIsExact: false, video: { fps: 25 } });
    expect(report.findings[0]).toMatchObject({ declared: whole.length, actual: 20_000 });
  });
});

describe("a file of one piece cut anywhere", () => {
  test.each(["mp4/faststart.mp4", "mp4/moov-last.mp4", "mp4/large-size-box.mp4"] as const)(
    "%s is truncated, wherever that is behind its first box",
    async (name) => {
      const whole = readFileSync(fixturePath(name));
      for (let size = 33; size < whole.length; size += 97) {
        const report = await indexMp4(memorySource(whole.subarray(0, size)), NEVER);
        expect([size, report.completeness]).toEqual([size, "truncated"]);
      }
    },
  );

  test("a fragmented one too, but for the ends of its fragments", async () => {
    const whole = readFileSync(fixturePath("mp4/fragmented-no-index.mp4"));
    const ends = fragmentEnds(whole);
    expect(ends).toHaveLength(6);
    const steps = Array.from({ length: 900 }, (_, index) => 1260 + index * 45);
    for (const size of [...steps, ...ends.flatMap((end) => [end - 1, end, end + 1])]) {
      const report = await indexMp4(memorySource(whole.subarray(0, size)), NEVER);
      const isEnd = ends.includes(size) || size > whole.length;
      expect([size, report.completeness]).toEqual([size, isEnd ? "unknown" : "truncated"]);
    }
  });
});

function fragmentEnds(file: Buffer): number[] {
  const ends: number[] = [];
  for (let at = 0; at < file.length; at += file.readUInt32BE(at)) {
    if (file.toString("latin1", at + 4, at + 8) === "mdat") {
      ends.push(at + file.readUInt32BE(at));
    }
  }
  return ends;
}

test("an aborted look ends with the reason of the signal", async () => {
  const source = memorySource(readFileSync(fixturePath("mp4/faststart.mp4")));
  const reason = new Error("stopped");
  await expect(indexMp4(source, AbortSignal.abort(reason))).rejects.toBe(reason);
});
