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
  const reached: number[] = [];
  const begunAt: number[] = [];
  async function download(killAtBytes: number): Promise<unknown> {
    const seen: number[] = [];
    const result = await downloadInChild(url, root, NAME, killAtBytes, (bytes) => seen.push(bytes));
    begunAt.push(seen[0] ?? 0);
    reached.push(seen.at(-1) ?? 0);
    return result;
  }

  for (let kills = 1; kills <= KILLS; kills += 1) {
    // Sequential by nature: each process takes over from the one before.
    expect(await download((sizeBytes / (KILLS + 1)) * kills)).toBeNull();
    const { published, staged } = await filesBelow(root);
    expect(published).toEqual([]);
    expect(staged.map((file) => file.split("/").at(-1))).toContain("segments.jsonl");
  }
  expect(await download(Number.POSITIVE_INFINITY)).toMatchObject({
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
  // What a process had received by then, against where the next one begins. Bytes that the kernel held for it are not
  // counted: how many they are is up to how busy the machine is.
  const again = reached.slice(0, KILLS).map((bytes, kill) => bytes - (begunAt[kill + 1] ?? 0));
  const total = again.reduce((sum, bytes) => sum + bytes, 0);
  expect(total).toBeGreaterThanOrEqual(0);
  expect(total / sizeBytes).toBeLessThan(0.05);
});
