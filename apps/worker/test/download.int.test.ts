import { createHash } from "node:crypto";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Queue } from "bullmq";
import { QUEUES, QUEUE_PREFIX } from "@reelgate/shared/contract/jobs";
import { until } from "@reelgate/testkit/latch";
import { MEDIA_FIXTURES_FOLDER } from "@reelgate/testkit/media-fixtures";
import { startMediaOrigin } from "@reelgate/testkit/media-origin";
import { recordingBody } from "@reelgate/testkit/recording-body";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SAMPLES, setTheStage, unique } from "./running-worker.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "reelgate-storage-"));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

const download = (more: Record<string, string> = {}): Record<string, string> => ({
  MEDIA_MODE: "download",
  STORAGE_URL: pathToFileURL(root).href,
  ...more,
});

/** Files under final names: all that is not hidden. */
async function storedFiles(): Promise<string[]> {
  const all = await readdir(root, { recursive: true, withFileTypes: true });
  return all
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .filter((path) => !path.split("/").some((part) => part.startsWith(".")));
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("MEDIA_MODE=download, on real Redis, Postgres, media and disk", () => {
  it("keeps a verified copy of each format, and says where", async () => {
    await using stage = await setTheStage();
    await using origin = await startMediaOrigin({ root: SAMPLES });
    await stage.startWorker(download());
    for (const format of ["mp4", "flv", "aac"]) {
      const file = await readFile(join(SAMPLES, `sample.${format}`));
      await stage.accept(
        recordingBody({
          ...unique(format),
          file_format: format,
          file_size: file.length,
          duration: 6,
          video_url: `${origin.url}/sample.${format}`,
        }),
      );
      const recording = await stage.recording(format, ({ state }) => state !== "pending");
      expect(recording).toMatchObject({
        state: "stored",
        media: { container: format, sizeBytes: file.length, audio: { codec: "aac" } },
        findings: [],
        failure: null,
        stored: { sizeBytes: file.length, sha256: sha256(file), files: 1 },
      });
      expect(await readFile(fileURLToPath(recording.stored?.url ?? ""))).toEqual(file);
    }
    await stage.accept(
      recordingBody({
        ...unique("hls"),
        file_format: "hls",
        file_size: 72_944,
        duration: 6,
        video_url: `${origin.url}/hls/sample.m3u8`,
      }),
    );
    const hls = await stage.recording("hls", ({ state }) => state !== "pending");
    expect(hls).toMatchObject({ state: "stored", findings: [], media: { sizeBytes: 72_944 } });
    const playlist = fileURLToPath(hls.stored?.url ?? "");
    expect(await readFile(playlist, "utf8")).toContain("#EXT-X-ENDLIST");
    expect(hls.stored?.files).toBe((await storedFiles()).length - 3);
  });

  it("G4: stores nothing of a recording that is broken, and names every part that is", async () => {
    await using stage = await setTheStage();
    await using origin = await startMediaOrigin({ root: MEDIA_FIXTURES_FOLDER });
    await stage.startWorker(download({ MEDIA_NOT_FOUND_GRACE_MS: "0" }));
    await stage.accept(
      recordingBody({
        ...unique("missing"),
        file_format: "hls",
        video_url: `${origin.url}/damaged/hls-segment-missing/index.m3u8`,
      }),
    );
    await stage.accept(
      recordingBody({
        ...unique("cut"),
        file_format: "mp4",
        video_url: `${origin.url}/damaged/mp4-faststart-cut.mp4`,
      }),
    );
    const missing = await stage.recording("missing", ({ state }) => state !== "pending");
    expect(missing).toMatchObject({ state: "failed", failure: { code: "media_incomplete" } });
    expect(missing.failure?.message).toContain("Segment 3 of 4");
    expect(missing.findings.map(({ kind }) => kind)).toContain("missing_segment");
    const cut = await stage.recording("cut", ({ state }) => state !== "pending");
    expect(cut).toMatchObject({
      state: "failed",
      failure: { code: "media_incomplete" },
      media: { container: "mp4" },
      stored: null,
    });
    expect(await storedFiles()).toEqual([]);
    const left = await readdir(join(root, ".reelgate-staging")).catch(() => []);
    expect(left).toEqual([]);
  });

  it("publishes what it has verified when the storage is back, though the address has expired by then", async () => {
    await using stage = await setTheStage();
    await using origin = await startMediaOrigin({ root: SAMPLES });
    const file = await readFile(join(SAMPLES, "sample.mp4"));
    const body = recordingBody({
      ...unique("expired"),
      file_format: "mp4",
      file_size: file.length,
      duration: 6,
      video_url: `${origin.url}/sample.mp4`,
    });
    // A file where the folder of the copy must be: the storage cannot take it.
    const blocker = join(root, String((JSON.parse(body) as { app: unknown }).app));
    await writeFile(blocker, "");
    await stage.startWorker(download());
    await stage.accept(body);
    const waiting = await stage.recording("expired", ({ failure }) => failure !== null);
    expect(waiting).toMatchObject({ state: "pending", stored: null });
    expect(waiting.failure?.code).toMatch(/^storage_/u);
    origin.setFault("/sample.mp4", { kind: "status", status: 403 });
    await rm(blocker);
    expect(await stage.recording("expired", ({ state }) => state !== "pending")).toMatchObject({
      state: "stored",
      stored: { sha256: sha256(file) },
    });
  });

  it("does not start where its storage takes nothing, and says why", async () => {
    await using stage = await setTheStage();
    await writeFile(join(root, "file"), "");
    const inTheWay = { STORAGE_URL: pathToFileURL(join(root, "file/copies")).href };
    await expect(stage.startWorker(download(inTheWay))).rejects.toMatchObject({
      code: "storage_refused",
      message: expect.stringContaining("a file stands where a folder must be") as string,
    });
    // Node's own recursive mkdir never ends there.
    await expect(
      stage.startWorker(download({ STORAGE_URL: "file:///proc/nope/copies" })),
    ).rejects.toMatchObject({ code: "storage_unavailable" });
  });

  it("shows progress on the job, and a worker that is stopped leaves its bytes to the next", async () => {
    await using stage = await setTheStage();
    const sample = await readFile(join(SAMPLES, "sample.mp4"));
    const padding = Buffer.alloc(4_000_000, 0x20);
    padding.writeUInt32BE(padding.length, 0);
    padding.write("free", 4);
    const file = Buffer.concat([sample, padding]);
    await using origin = await startMediaOrigin({
      files: { "/large.mp4": file },
      bytesPerSecond: 1_000_000,
    });
    const first = await stage.startWorker(download({ SHUTDOWN_GRACE_MS: "1000" }));
    await stage.accept(
      recordingBody({
        ...unique("large"),
        file_format: "mp4",
        file_size: file.length,
        duration: 6,
        video_url: `${origin.url}/large.mp4`,
      }),
    );
    const { id } = await stage.recording("large", () => true);
    const { hostname: host, port, password } = new URL(stage.redis.url);
    await using opened = new AsyncDisposableStack();
    const queue = opened.adopt(
      new Queue(QUEUES.media, {
        prefix: QUEUE_PREFIX,
        connection: { host, port: Number(port), password },
      }),
      (open) => open.close(),
    );
    const progress = await until(
      async () => {
        const shown = (await queue.getJob(`rec-${id}-0`))?.progress;
        const done = typeof shown === "object" && "bytesDone" in shown ? shown.bytesDone : 0;
        return typeof done === "number" && done > 1_000_000 && shown;
      },
      { what: "progress on the job", timeoutMs: 30_000 },
    );
    expect(progress).toMatchObject({ phase: "fetching", bytesTotal: file.length });
    await first[Symbol.asyncDispose]();
    expect(await storedFiles()).toEqual([]);
    expect(await stage.recording("large", () => true)).toMatchObject({
      state: "pending",
      failure: null,
    });

    await stage.startWorker(download());
    expect(await stage.recording("large", ({ state }) => state !== "pending")).toMatchObject({
      state: "stored",
      stored: { sha256: sha256(file) },
    });
    const { ranges } = origin.counters("/large.mp4");
    expect(ranges.some((range) => /^bytes=[1-9]\d{5,}-$/u.test(range ?? ""))).toBe(true);
    // The second look reads the head and a few headers again; of the body nothing is fetched twice.
    expect(origin.counters("/large.mp4").sentBytes).toBeLessThan(file.length * 1.15);
  });
});
