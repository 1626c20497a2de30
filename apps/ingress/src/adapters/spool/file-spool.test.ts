import {
  appendFile,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  rmdir,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import { until } from "@reelgate/testkit/latch";
import { FileSpool } from "./file-spool.ts";
import { openReplicaSpool } from "./replica-folders.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reelgate-spool-"));
});
afterEach(() => rm(folder, { recursive: true }));

const noted: string[] = [];
const events = {
  tornTail: (_segment: string, bytes: number) => void noted.push(`torn ${bytes}`),
  damaged: (_segment: string, bytes: number) => void noted.push(`damaged ${bytes}`),
};
beforeEach(() => {
  noted.length = 0;
});

async function openSpool(maxBytes = 1024 ** 3): Promise<FileSpool> {
  const spool = await FileSpool.open({ folder, maxBytes, events });
  if (spool === null) throw new Error("the folder is locked");
  return spool;
}

const job = (index: number, bodyBytes = 10): CallbackJob => ({
  body: `${index}`.padEnd(bodyBytes, "."),
  receivedAtMs: 1_700_000_000_000 + index,
  requestId: `r-${index}`,
  remoteAddress: "127.0.0.1",
  keyIndex: 0,
});

async function drain(spool: FileSpool): Promise<CallbackJob[]> {
  const all: CallbackJob[] = [];
  for (;;) {
    const batch = await spool.oldest();
    if (batch === null) return all;
    all.push(...batch.callbacks.map((one) => one.job));
    await batch.done();
  }
}

const segments = async (): Promise<string[]> =>
  (await readdir(folder)).filter((name) => name.includes(".spool"));

test("callbacks come out in the order in which they went in, and leave nothing", async () => {
  await using spool = await openSpool();
  for (let index = 0; index < 20; index += 1) {
    expect(await spool.append(job(index))).toEqual({ stored: true });
  }
  expect(spool.depth).toMatchObject({ callbacks: 20, oldestAtMs: 1_700_000_000_000 });
  expect(await drain(spool)).toEqual(Array.from({ length: 20 }, (_, index) => job(index)));
  expect(spool.depth).toEqual({
    callbacks: 0,
    bytes: 0,
    oldestAtMs: null,
    isFull: false,
    isFailing: false,
  });
  expect(await segments()).toEqual([]);
});

test("what was appended is there when the process is another one, in several segments", async () => {
  const count = 40;
  {
    await using first = await openSpool();
    await Promise.all(
      Array.from({ length: count }, (_, index) => first.append(job(index, 500_000))),
    );
  }
  expect((await segments()).length).toBeGreaterThan(1);
  await using second = await openSpool();
  expect(second.depth).toMatchObject({ callbacks: count, oldestAtMs: 1_700_000_000_000 });
  await second.append(job(count));
  const bodies = (await drain(second)).map((one) => Number.parseInt(one.body, 10));
  expect(bodies).toEqual(Array.from({ length: count + 1 }, (_, index) => index));
});

test("callbacks that come while a segment is drained are in the next one", async () => {
  await using spool = await openSpool();
  await spool.append(job(0));
  const batch = await spool.oldest();
  await spool.append(job(1));
  await batch?.done();
  expect(await drain(spool)).toEqual([job(1)]);
});

test("a spool that is full takes nothing until it is drained", async () => {
  await using spool = await openSpool(1000);
  const results = await Promise.all([0, 1, 2, 3].map((index) => spool.append(job(index, 300))));
  expect(results.map(({ stored }) => stored)).toEqual([true, true, false, false]);
  expect(results[3]).toMatchObject({ reason: "the spool is full (SPOOL_MAX_BYTES)" });
  expect(spool.depth.bytes).toBeLessThanOrEqual(1000);
  expect(await drain(spool)).toHaveLength(2);
  expect(await spool.append(job(4, 300))).toEqual({ stored: true });
});

test("a torn tail of a process that is gone is told, and kept", async () => {
  {
    await using first = await openSpool();
    await first.append(job(0));
  }
  const [name = ""] = await segments();
  const whole = await readFile(join(folder, name));
  await appendFile(join(folder, name), whole.subarray(0, whole.length - 1));
  await using second = await openSpool();
  expect(await drain(second)).toEqual([job(0)]);
  expect(noted).toEqual([`torn ${whole.length - 1}`]);
  expect(await segments()).toEqual([`${name}.torn`]);
});

test("G1: a segment that a kill cut off at any byte gives every callback that is whole, and takes the next ones", async () => {
  {
    await using first = await openSpool();
    await first.append(job(0));
    await first.append(job(1));
  }
  const [name = ""] = await segments();
  const path = join(folder, name);
  const whole = await readFile(path);
  const firstEnds = whole.length / 2;
  for (let cut = 0; cut <= whole.length; cut += 1) {
    noted.length = 0;
    await writeFile(path, whole.subarray(0, cut));
    const survivors = [job(0), job(1)].slice(0, Math.floor(cut / firstEnds));
    {
      await using after = await openSpool();
      expect(after.depth.callbacks).toBe(survivors.length);
      expect(await after.append(job(2))).toEqual({ stored: true });
      expect(await drain(after)).toEqual([...survivors, job(2)]);
    }
    expect(noted).toEqual(cut % firstEnds === 0 ? [] : [`torn ${cut % firstEnds}`]);
    expect(await segments()).toEqual(cut % firstEnds === 0 ? [] : [`${name}.torn`]);
    await rm(`${path}.torn`, { force: true });
  }
});

test("a damaged segment gives what is whole of it, is told, and kept", async () => {
  {
    await using first = await openSpool();
    await first.append(job(0));
    await first.append(job(1));
  }
  const [name = ""] = await segments();
  const bytes = await readFile(join(folder, name));
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  await writeFile(join(folder, name), bytes);
  await using second = await openSpool();
  expect(await drain(second)).toEqual([job(1)]);
  expect(noted).toEqual([`damaged ${bytes.length / 2}`]);
  expect(await segments()).toEqual([`${name}.damaged`]);
});

test("the last record of a segment that goes bad is no torn tail", async () => {
  {
    await using first = await openSpool();
    await first.append(job(0));
    await first.append(job(1));
  }
  const [name = ""] = await segments();
  const bytes = await readFile(join(folder, name));
  bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
  await writeFile(join(folder, name), bytes);
  await using second = await openSpool();
  expect(await drain(second)).toEqual([job(0)]);
  expect(noted).toEqual([`damaged ${bytes.length / 2}`]);
  // The next segment does not take the name of what is kept.
  await second.append(job(2));
  expect(await segments()).toEqual([`${name}.damaged`, "000000000002.spool"]);
});

test("fewer callbacks than were acknowledged are a loss, however the file ends", async () => {
  await using spool = await openSpool();
  await spool.append(job(0));
  await spool.append(job(1));
  const [name = ""] = await segments();
  await truncate(join(folder, name), 0);
  expect(await drain(spool)).toEqual([]);
  expect(noted).toEqual(["damaged 1"]);
  expect(await segments()).toEqual([`${name}.damaged`]);
});

test("a segment that cannot be read is set aside, and the others go on", async () => {
  {
    await using first = await openSpool();
    await first.append(job(0));
  }
  // Before the others, and no file: EISDIR, also for root.
  await mkdir(join(folder, "000000000000.spool"));
  await using second = await openSpool();
  expect(await drain(second)).toEqual([job(0)]);
  expect(noted).toEqual(["damaged 0"]);
  expect(await segments()).toEqual(["000000000000.spool.unreadable"]);
});

test("while the disk does not answer, nothing more is held for it", async () => {
  const spool = await FileSpool.open({ folder, maxBytes: 1024 ** 3, events, appendDeadlineMs: 0 });
  if (spool === null) throw new Error("the folder is locked");
  await using opened = spool;
  expect(await opened.append(job(0, 30_000_000))).toMatchObject({
    stored: false,
    reason: "the spool's disk did not answer in time",
  });
  expect(opened.depth.isFailing).toBe(true);
  expect(await opened.append(job(1))).toEqual({
    stored: false,
    reason: "the spool's disk does not answer",
  });
  // What was given up is written all the same, and then the disk is asked again.
  await until(() => !opened.depth.isFailing);
  expect(opened.depth.callbacks).toBe(1);
});

test("a segment that cannot be removed is not sent again", async () => {
  await using spool = await openSpool();
  await spool.append(job(0));
  const batch = await spool.oldest();
  const [name = ""] = await segments();
  await rm(join(folder, name));
  await mkdir(join(folder, name));
  await expect(batch?.done()).rejects.toThrow(/EISDIR|EPERM/u);
  expect(spool.depth.callbacks).toBe(0);
  const again = await spool.oldest();
  expect(again?.callbacks).toEqual([]);
  await rmdir(join(folder, name));
  await writeFile(join(folder, name), "");
  await again?.done();
  expect(await segments()).toEqual([]);
});

test("replicas share a folder, and one takes over what another left", async () => {
  const options = { maxBytes: 1024 ** 2, events };
  const first = await openReplicaSpool(folder, options);
  const second = await openReplicaSpool(folder, options);
  await first.own.append(job(1));
  await second.own.append(job(2));
  const left = async (): Promise<string[]> => {
    const bodies: string[] = [];
    for await (const orphan of first.orphans()) {
      const batch = await orphan.oldest();
      bodies.push(...(batch?.callbacks ?? []).map((one) => one.job.body));
      await batch?.done();
    }
    return bodies;
  };
  expect(await left()).toEqual([]);
  await second.own[Symbol.asyncDispose]();
  expect(await left()).toEqual([job(2).body]);
  expect(await left()).toEqual([]);
  await using third = (await openReplicaSpool(folder, options)).own;
  expect(third.depth.callbacks).toBe(0);
  await first.own[Symbol.asyncDispose]();
});

test("a folder that cannot be written is refused with its name", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(
    openReplicaSpool(join(folder, "file"), { maxBytes: 1, events }),
  ).rejects.toMatchObject({
    code: "spool_unusable",
    message: expect.stringContaining(`SPOOL_DIR=${join(folder, "file")}`) as string,
  });
});
