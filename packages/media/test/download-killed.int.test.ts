import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import { downloadInChild } from "./download-in-child.ts";
import { filesBelow, noiseThatBeginsAsMp4, sha256 } from "./download-setup.ts";

const SIZE = 100_000_000;
const NAME = "app/live/room/20261123-0";

let origin: MediaOrigin;
let root: string;

beforeAll(async () => {
  origin = await startMediaOrigin({ bytesPerSecond: 12_000_000 });
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
  for (let kills = 1; kills <= 10; kills += 1) {
    // Sequential by nature: each process takes over from the one before.
    expect(await downloadInChild(url, root, NAME, (SIZE / 11) * kills)).toBeNull();
    const { published, staged } = await filesBelow(root);
    expect(published).toEqual([]);
    expect(staged.map((file) => file.split("/").at(-1)?.split(".")[0])).toContain("part");
  }
  expect(await downloadInChild(url, root, NAME, Number.POSITIVE_INFINITY)).toMatchObject({
    stored: { sizeBytes: SIZE, sha256: sha256(content) },
  });
  expect(sha256(await readFile(join(root, `${NAME}.mp4`)))).toBe(sha256(content));
  expect(await filesBelow(root)).toEqual({ published: [`${NAME}.mp4`], staged: [] });
  // Each process looks at the first 64 KiB to see what the file is.
  const fetched = origin.counters("/killed.mp4").sentBytes - 11 * 65_536;
  expect(fetched / SIZE).toBeLessThan(1.05);
});
