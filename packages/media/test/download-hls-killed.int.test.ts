import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import { downloadInChild } from "./download-in-child.ts";
import { filesBelow, sha256 } from "./download-setup.ts";
import { setRecording, tsNoise } from "./hls-recordings.ts";

const NAME = "app/live/room/20261123-0";
const KILLS = 10;

let origin: MediaOrigin;
let root: string;

beforeAll(async () => {
  origin = await startMediaOrigin({ bytesPerSecond: 1_500_000 });
  root = await mkdtemp(join(tmpdir(), "reelgate-hls-killed-"));
});

afterAll(async () => {
  await origin[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

test("G4: killed ten times, a HLS download is whole in the end, and little is fetched twice", async () => {
  const segments = Array.from({ length: 400 }, () => tsNoise(532));
  const sizeBytes = segments.length * 532 * 188;
  setRecording(origin, "/killed", segments);
  const url = `${origin.url}/killed/index.m3u8`;
  for (let kills = 1; kills <= KILLS; kills += 1) {
    // Sequential by nature: each process takes over from the one before.
    const killAtBytes = (sizeBytes / (KILLS + 1)) * kills;
    expect(await downloadInChild(url, root, NAME, killAtBytes)).toBeNull();
    const { published, staged } = await filesBelow(root);
    expect(published).toEqual([]);
    expect(staged.map((file) => file.split("/").at(-1))).toContain("segments.jsonl");
  }
  expect(await downloadInChild(url, root, NAME, Number.POSITIVE_INFINITY)).toMatchObject({
    kind: "stored",
    stored: { files: segments.length + 2 },
  });
  for (const [index, bytes] of segments.entries()) {
    const stored = await readFile(join(root, NAME, `${String(index).padStart(5, "0")}.ts`));
    expect(sha256(stored)).toBe(sha256(bytes));
  }
  const { published, staged } = await filesBelow(root);
  expect(published).toHaveLength(segments.length + 2);
  expect(staged).toEqual([]);
  // The origin counts pieces of 16 KiB that are under way when a process dies: one of each of eight requests.
  const fetched = segments.reduce(
    (sum, _, index) => sum + origin.counters(`/killed/s${index}.ts`).sentBytes,
    0,
  );
  expect(fetched / sizeBytes).toBeLessThan(1.05);
}, 60_000);
