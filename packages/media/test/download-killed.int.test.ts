import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import { filesBelow, noiseThatBeginsAsMp4, sha256 } from "./download-setup.ts";

const SIZE = 40_000_000;
const NAME = "app/live/room/20261123-0";
const CHILD = join(import.meta.dirname, "download-child.ts");

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

/** Downloads in a process of its own, killed as soon as so many bytes came. Null: it was. */
async function downloadInChild(url: string, killAtBytes: number): Promise<unknown> {
  const child = spawn(
    process.execPath,
    ["--conditions=source", "--no-warnings", CHILD, url, root, NAME],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = once(child, "exit");
  let last = "";
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    if (Number(line) >= killAtBytes) {
      child.kill("SIGKILL");
    }
  }
  const [, signal] = (await exited) as [number | null, string | null];
  return signal === "SIGKILL" ? null : JSON.parse(last);
}

test("G4: killed ten times, a download is whole in the end, and little is fetched twice", async () => {
  const content = noiseThatBeginsAsMp4(SIZE);
  origin.setFile("/killed.mp4", content);
  const url = `${origin.url}/killed.mp4`;
  for (let kills = 1; kills <= 10; kills += 1) {
    // Sequential by nature: each process takes over from the one before.
    expect(await downloadInChild(url, (SIZE / 11) * kills)).toBeNull();
    const { published, staged } = await filesBelow(root);
    expect(published).toEqual([]);
    expect(staged.map((file) => file.split("/").at(-1)?.split(".")[0])).toContain("part");
  }
  expect(await downloadInChild(url, Number.POSITIVE_INFINITY)).toMatchObject({
    stored: { sizeBytes: SIZE, sha256: sha256(content) },
  });
  expect(sha256(await readFile(join(root, `${NAME}.mp4`)))).toBe(sha256(content));
  expect(await filesBelow(root)).toEqual({ published: [`${NAME}.mp4`], staged: [] });
  // Each process looks at the first 64 KiB to see what the file is.
  const fetched = origin.counters("/killed.mp4").sentBytes - 11 * 65_536;
  expect(fetched / SIZE).toBeLessThan(1.05);
});
