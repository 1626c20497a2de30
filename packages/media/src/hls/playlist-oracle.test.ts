import fc from "fast-check";
import { parse as oracleParse, type types } from "hls-parser";
import { describe, expect, test } from "vitest";
import { parsePlaylist } from "./parse-playlist.ts";
import type { MediaPlaylist } from "./playlist.ts";

/** A segment as text and as the other reader should see it. */
const segmentArbitrary = fc.record({
  uri: fc.stringMatching(/^[a-z][a-z0-9/._-]{0,20}(?:\?[a-z0-9=&]{0,10})?$/),
  milliseconds: fc.nat({ max: 60_000 }),
  range: fc.option(fc.record({ length: fc.integer({ min: 1, max: 1e9 }), offset: fc.nat(1e12) })),
  discontinuity: fc.boolean(),
  key: fc.option(fc.constantFrom("NONE", "AES-128", "SAMPLE-AES")),
  map: fc.option(fc.stringMatching(/^[a-z]{1,9}\.mp4$/)),
  noise: fc.constantFrom("", "\n", "# comment\n", "#EXT-X-VENDOR:a=b\n"),
});

type SegmentModel = typeof segmentArbitrary extends fc.Arbitrary<infer T> ? T : never;

function writeSegment(segment: SegmentModel): string {
  const { uri, milliseconds, range, discontinuity, key, map, noise } = segment;
  return [
    noise,
    discontinuity ? "#EXT-X-DISCONTINUITY\n" : "",
    key === "NONE" ? "#EXT-X-KEY:METHOD=NONE\n" : "",
    key === null || key === "NONE"
      ? ""
      : `#EXT-X-KEY:METHOD=${key},URI="k,1",IV=0x000102030405060708090a0b0c0d0e0f\n`,
    map === null ? "" : `#EXT-X-MAP:URI="${map}"\n`,
    `#EXTINF:${(milliseconds / 1000).toFixed(3)},title\n`,
    range === null ? "" : `#EXT-X-BYTERANGE:${range.length}@${range.offset}\n`,
    `${uri}\n`,
  ].join("");
}

describe("against hls-parser", () => {
  test("sound playlists are read alike", () => {
    const models = fc.array(segmentArbitrary, { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(models, fc.nat(1e6), fc.boolean(), (segments, sequence, ended) => {
        const text = `#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:60\n#EXT-X-MEDIA-SEQUENCE:${sequence}\n${segments
          .map(writeSegment)
          .join("")}${ended ? "#EXT-X-ENDLIST\n" : ""}`;
        const ours = parsePlaylist(new TextEncoder().encode(text)) as MediaPlaylist;
        const theirs = oracleParse(text) as types.MediaPlaylist;
        expect(ours.ended).toBe(theirs.endlist);
        expect(ours.targetDurationS).toBe(theirs.targetDuration);
        expect(
          ours.segments.map((segment) => ({
            uri: segment.uri.uri,
            duration: segment.durationS,
            sequence: segment.sequence,
            discontinuity: segment.discontinuity,
            range: segment.byteRange,
            key: segment.keys[0]?.method ?? null,
            map: segment.init?.uri.uri ?? null,
          })),
        ).toEqual(
          theirs.segments.map((segment) => ({
            uri: segment.uri,
            duration: segment.duration,
            sequence: segment.mediaSequenceNumber,
            discontinuity: segment.discontinuity === true,
            range: segment.byterange ?? null,
            key: segment.key?.method === "NONE" ? null : (segment.key?.method ?? null),
            map: segment.map?.uri ?? null,
          })),
        );
      }),
      { numRuns: 500 },
    );
  });
});
