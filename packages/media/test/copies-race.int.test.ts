import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { createLocalCopies } from "../src/storage/local-copies.ts";

const FINDS = 4000;

/** Puts a link in the place of the folder, and the folder back, as fast as it can. */
const SWAP = `
  const { renameSync } = require("node:fs");
  const { place, folder, link } = require("node:worker_threads").workerData;
  for (;;) {
    renameSync(place, folder); renameSync(link, place);
    renameSync(place, link); renameSync(folder, place);
  }`;

test("a link that comes and goes in the place of a folder never shows what it leads to", async () => {
  const base = await mkdtemp(join(tmpdir(), "reelgate-race-"));
  try {
    const root = join(base, "storage");
    const outside = join(base, "outside");
    const place = join(root, "app");
    await mkdir(place, { recursive: true });
    await mkdir(outside);
    await writeFile(join(place, "a.mp4"), "inside");
    await writeFile(join(outside, "a.mp4"), "outside");
    const link = join(base, "link");
    await symlink(outside, link);
    const copies = createLocalCopies({ kind: "folder", root });
    const url = pathToFileURL(join(place, "a.mp4")).href;
    const swapper = new Worker(SWAP, {
      eval: true,
      workerData: { place, folder: join(base, "folder"), link },
    });
    const shown = new Map<string, number>();
    try {
      for (let n = 0; n < FINDS / 10; n += 1) {
        const found = await Promise.all(
          Array.from({ length: 10 }, async () => {
            await using copy = await copies.find(url, null, AbortSignal.timeout(60_000));
            return copy === null ? "nothing" : await text(await copy.read({ first: 0, last: 9 }));
          }),
        );
        for (const one of found) shown.set(one, (shown.get(one) ?? 0) + 1);
      }
    } finally {
      await swapper.terminate();
    }
    expect(shown.has("outside")).toBe(false);
    // Both were there to be found.
    expect(shown.get("inside")).toBeGreaterThan(0);
    expect(shown.get("nothing")).toBeGreaterThan(0);
  } finally {
    await rm(base, { recursive: true });
  }
}, 60_000);
