import { expect, test } from "vitest";
import type { Recording } from "@reelgate/shared/contract/recording";
import { playableSources } from "./sources.ts";

const about = { version: "1", playsStoredCopies: true, playsProviderUrls: false };
const recording = (url: string | null): Recording =>
  ({
    id: "7",
    format: "mp4",
    media: null,
    videoUrl: "javascript:alert(1)",
    stored: url === null ? null : { url, sizeBytes: 1, sha256: "", files: 1 },
  }) as unknown as Recording;

test("a copy is played through the dashboard: a file, or the playlist of a folder", () => {
  expect(playableSources(recording("file:///a/b.mp4"), about)).toEqual({
    copy: { url: "/api/recordings/7/copy", container: "mp4" },
    provider: null,
    download: "/api/recordings/7/copy?download=1",
  });
  expect(playableSources(recording("s3://b/live/index.m3u8"), about).copy).toEqual({
    url: "/api/recordings/7/copy/index.m3u8",
    container: "hls",
  });
});

test("nothing is played that this installation does not offer, and never the callback's own URL", () => {
  const none = { copy: null, provider: null, download: null };
  expect(playableSources(recording("file:///a/b.mp4"), null)).toEqual(none);
  expect(
    playableSources(recording("file:///a/b.mp4"), { ...about, playsStoredCopies: false }),
  ).toEqual(none);
  expect(
    playableSources(recording(null), { ...about, playsProviderUrls: true }).provider?.url,
  ).toBe("/api/recordings/7/source");
});
