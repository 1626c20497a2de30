import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import { downloadInChild } from "./download-in-child.ts";
import { filesBelow, noiseThatBeginsAsMp4, sha256 } from "./download-setup.ts";

const SIZE = 40_000_000;
const NAME = "app/live/room/20261123-0";

let origin: MediaOrigin;
let root: string;

beforeAll(async () => {
  origin = await startMediaOrigin({ bytesPerSecond: 8_000_000 });
  root = await mkdtemp(join(tmpdir(), "reelgate-killed-"));
});

afterAll(async () => {
  await origin[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

test("G4: killed ten times, a download is whole in the end, and little is fetched twice", async () => {
  const content = noiseThatBeginsAsMp4(SIZE);
  origin.setFile("/killed.mp4", content);
  const url = `${origin.url}/killed.mp4`;
  const reached: number[] = [];
  for (let kills = 1; kills <= 10; kills += 1) {
    // Sequential by nature: each process takes over from the one before.
    let received = 0;
    const killed = downloadInChild(url, root, NAME, (SIZE / 11) * kills, (bytes) => {
      received = bytes;
    });
    expect(await killed).toBeNull();
    reached.push(received);
    const { published, staged } = await filesBelow(root);
    expect(published).toEqual([]);
    expect(staged.map((file) => file.split("/").at(-1)?.split(".")[0])).toContain("part");
  }
  expect(await downloadInChild(url, root, NAME, Number.POSITIVE_INFINITY)).toMatchObject({
    stored: { sizeBytes: SIZE, sha256: sha256(content) },
  });
  expect(sha256(await readFile(join(root, `${NAME}.mp4`)))).toBe(sha256(content));
  expect(await filesBelow(root)).toEqual({ published: [`${NAME}.mp4`], staged: [] });
  // What a process had received by then, against where the next one begins. Bytes that the kernel held for it are not
  // counted: how many they are is up to how busy the machine is.
  const starts = origin
    .counters("/killed.mp4")
    .ranges.flatMap((range) => /^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? [])
    .map(Number);
  expect(starts).toHaveLength(10);
  const again = reached.map((bytes, kill) => Math.max(bytes - (starts[kill] ?? 0), 0));
  expect(again.reduce((sum, bytes) => sum + bytes, 0) / SIZE).toBeLessThan(0.05);
});
