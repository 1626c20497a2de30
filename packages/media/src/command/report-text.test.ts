import { expect, test } from "vitest";
import type { Finding, Media } from "@reelgate/shared/contract/media";
import { durationText, sizeText } from "./quantities.ts";
import { reportText, worstSeverity } from "./report-text.ts";

const media: Media = {
  container: "hls",
  durationS: 3723.04,
  durationIsExact: true,
  sizeBytes: 51_500_000,
  bitrateKbps: 1373,
  video: { codec: "h264", width: 1280, height: 720, fps: 25 },
  audio: { codec: "aac", sampleRateHz: 44_100, channels: 2 },
  hls: { segmentCount: 1200, targetDurationS: 6, encrypted: false, variants: 2 },
};
const finding = (kind: Finding["kind"], detail: string): Finding => ({
  kind,
  declared: null,
  actual: null,
  detail,
});

test("a report says first what matters most", () => {
  const findings = [
    finding("not_fully_checked", "10 of 1,200 segments were checked."),
    finding("missing_segment", "Segment 3 of 1200 is missing."),
  ];
  expect(reportText("https://a.example/x.m3u8", { media, findings }, null)).toBe(
    `https://a.example/x.m3u8 is BROKEN.
  container  hls
  duration   3723.04 s (1:02:03)
  size       51,500,000 bytes (51.5 MB)
  bitrate    1,373 kbit/s
  video      h264 1280×720, 25 fps
  audio      aac 44,100 Hz, 2 channels
  hls        1,200 segments of at most 6 s, in the clear, 2 variants
  unchecked  not_fully_checked: 10 of 1,200 segments were checked.
  broken     missing_segment: Segment 3 of 1200 is missing.
`,
  );
});

test("what is not known is left out, and a copy is named with its checksum", () => {
  const unknown: Media = {
    ...media,
    container: "aac",
    durationS: null,
    sizeBytes: null,
    bitrateKbps: null,
    video: null,
    audio: { codec: "aac", sampleRateHz: 8000, channels: 1 },
    hls: null,
  };
  const stored = { url: "file:///r/a.aac", sizeBytes: 1234, sha256: "ab12", files: 1 };
  expect(reportText("a.aac", { media: unknown, findings: [] }, stored)).toBe(
    `a.aac is there and whole.
  container  aac
  audio      aac 8,000 Hz, 1 channel
  stored     file:///r/a.aac
             1 file, 1,234 bytes
  sha256     ab12
`,
  );
});

test.each([
  [[], null],
  [["not_fully_checked"], "unchecked"],
  [["not_fully_checked", "size_mismatch"], "different"],
  [["size_mismatch", "truncated"], "broken"],
] as const)("the worst of %j is %s", (kinds, expected) => {
  expect(worstSeverity(kinds.map((kind) => finding(kind, "")))).toBe(expected);
});

test.each([
  [0, "0 bytes"],
  [999, "999 bytes"],
  [1000, "1.0 kB"],
  [99_960, "100 kB"],
  [999_600, "1.0 MB"],
  [2_000_000_000, "2.0 GB"],
])("%d bytes are %s", (bytes, expected) => {
  expect(sizeText(bytes)).toBe(expected);
});

test.each([
  [5.4, "0:05"],
  [59.6, "1:00"],
  [3599.9, "1:00:00"],
])("%d s are %s", (durationS, expected) => {
  expect(durationText(durationS)).toBe(expected);
});
