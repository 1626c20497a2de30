import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { percentile } from "./figures.ts";

const WRITES = 50;
const BLOCK = Buffer.alloc(4096, "x");

/** Median time of a small write that is on the disk, in milliseconds: what a durable store waits for at the least. */
export async function diskSyncMs(folder: string): Promise<number> {
  const path = join(folder, "sync-probe");
  const file = await open(path, "w");
  try {
    const timesMs: number[] = [];
    for (let n = 0; n < WRITES; n++) {
      const startedAtMs = performance.now();
      await file.write(BLOCK);
      await file.datasync();
      timesMs.push(performance.now() - startedAtMs);
    }
    return percentile(timesMs, 0.5);
  } finally {
    await file.close();
    await rm(path);
  }
}
