import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileSpool } from "../src/adapters/spool/file-spool.ts";
import { decodeSegment } from "../src/adapters/spool/record.ts";

const WRITER = fileURLToPath(new URL("./spool-writer.ts", import.meta.url));
const NODE = [process.execPath, "--conditions=source", WRITER];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reelgate-killed-"));
});
afterEach(() => rm(folder, { recursive: true }));

function startWriter(command: readonly string[]): ChildProcessByStdio<null, Readable, null> {
  const [program = "", ...args] = command;
  return spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
}

/** The numbers of the callbacks in the spool, each once. */
async function spooled(): Promise<Set<number>> {
  const spool = await FileSpool.open({
    folder,
    maxBytes: 1024 ** 3,
    events: { tornTail: () => {}, damaged: () => expect.unreachable("nothing was damaged") },
  });
  if (spool === null) throw new Error("the lock of a killed process is still there");
  await using opened = spool;
  const found = new Set<number>();
  for (;;) {
    const batch = await opened.oldest();
    if (batch === null) return found;
    for (const { job } of batch.callbacks) found.add(Number.parseInt(job.body, 10));
    await batch.done();
  }
}

test.each([1, 40, 300, 900, 1500])(
  "G1: a writer that is killed after its callback %i has lost none that it was told is stored",
  async (killAfter) => {
    const writer = startWriter([...NODE, folder, "1000000", "3000"]);
    const stored: number[] = [];
    for await (const line of createInterface({ input: writer.stdout })) {
      stored.push(Number(/^stored (\d+)$/u.exec(line)?.[1]));
      if (stored.length === killAfter) writer.kill("SIGKILL");
    }
    expect(stored.length).toBeGreaterThanOrEqual(killAfter);
    const found = await spooled();
    expect(stored.filter((index) => !found.has(index))).toEqual([]);
  },
);

test("G1: on a disk that takes no more, what is refused is refused, and what was stored is there", async () => {
  // The kernel ends each file at 64 KiB: a write beyond it fails, as one on a full disk does.
  const writer = startWriter([
    "bash",
    "-c",
    `trap '' XFSZ; ulimit -f 64; exec "$@"`,
    "bash",
    ...NODE,
    folder,
    "200",
    "3000",
  ]);
  const lines: string[] = [];
  for await (const line of createInterface({ input: writer.stdout })) lines.push(line);
  if (writer.exitCode === null) await once(writer, "exit");
  const stored = lines.flatMap((line) => /^stored (\d+)$/u.exec(line)?.[1] ?? []).map(Number);
  expect(stored.length).toBeGreaterThan(0);
  expect(lines).toContainEqual(
    expect.stringMatching(/^refused \d+ the spool cannot be written: EFBIG/u),
  );
  const counted = Number(/^bytes (\d+)$/u.exec(lines.pop() ?? "")?.[1]);
  expect(lines).toHaveLength(200);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".spool"));
  const first = decodeSegment(await readFile(join(folder, names[0] ?? "")));
  expect(first).toMatchObject({ damagedBytes: 0, tornBytes: 0 });
  // What the disk refused holds no room, neither of the disk nor of SPOOL_MAX_BYTES.
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  expect(counted).toBe(sizes.reduce((sum, size) => sum + size, 0));
  const found = await spooled();
  expect(stored.filter((index) => !found.has(index))).toEqual([]);
});
