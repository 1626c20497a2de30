import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";
import type { StoredCopy } from "@reelgate/shared/contract/recording";
import { MEDIA_FIXTURES_FOLDER } from "@reelgate/testkit/media-fixtures";
import { CHECKOUT } from "@reelgate/testkit/spawn-app";
import { bodyOf, failed, looked, recorded, settle } from "./seed.ts";
import type { RecordingSeed } from "./seed.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** What a hostile sender writes where a stream's name belongs. */
export const HOSTILE_STREAMS = [
  `"><img src=x onerror=alert(1)>`,
  "<script>alert(2)</script>",
  "javascript:alert(3)",
  "a%2Fb/../c?d#e",
  "${alert(4)}{{alert(5)}}",
] as const;

/** The recordings that tests look at one by one, by their ids. */
export interface Scene {
  mp4: string;
  hls: string;
  flv: string;
  aac: string;
  hevc: string;
  broken: string;
  failed: string;
  conflict: string;
  hostile: string[];
}

/** A catalogue of a day in which everything happened once; copies of real files lie in `storage`. */
export async function seedScene(
  db: CatalogueDatabase,
  storage: string,
  nowMs: number,
  cameras: number,
): Promise<Scene> {
  const [mp4, hls, flv, aac] = await Promise.all([
    storedFile(storage, "packages/simulator/media/sample.mp4", "concert.mp4"),
    storedHls(storage, "concert-hls"),
    storedFile(storage, "packages/simulator/media/sample.flv", "concert.flv"),
    storedFile(storage, "packages/simulator/media/sample.aac", "concert.aac"),
  ]);
  await seedCameras(db, nowMs, cameras);
  await seedTimeline(db, nowMs);
  const small = { video: { codec: "h264", width: 320, height: 180, fps: 25 } };
  const at = (minutes: number, name: string, format: RecordingSeed["format"] = "mp4") => ({
    name,
    format,
    startMs: nowMs - minutes * MINUTE_MS,
    durationS: 6,
  });
  const scene: Scene = {
    mp4: await looked(db, at(9, "concert"), { stored: mp4, media: small }),
    hls: await looked(db, at(9, "concert", "hls"), { stored: hls, media: small }),
    flv: await looked(db, at(9, "concert", "flv"), { stored: flv, media: small }),
    aac: await looked(db, at(9, "concert-radio", "aac"), { stored: aac }),
    hevc: await looked(db, at(12, "camera-hevc"), {
      stored: mp4,
      media: { video: { codec: "hevc", width: 3840, height: 2160, fps: 50 } },
    }),
    broken: await seedBroken(db, { ...at(22, "arena-main", "hls"), durationS: 600 }),
    failed: await failed(
      db,
      { ...at(31, "arena-backup"), durationS: 600 },
      {
        code: "media_forbidden",
        message: "1250000000.vod2.myqcloud.com answers 403 for the file.",
        attempts: 4,
      },
    ),
    conflict: await seedConflict(db, { ...at(14, "arena-contested"), durationS: 300 }),
    hostile: [],
  };
  for (const [index, name] of HOSTILE_STREAMS.entries()) {
    scene.hostile.push(
      await failed(
        db,
        {
          ...at(40 + index, name),
          fields: {
            appname: "</td><script>alert(6)</script>",
            video_url: `https://x.myqcloud.com/"onmouseover="alert(7)`,
            callback_ext: '{"resolution":"<b onclick=alert(8)>","video_codec":"h264"}',
          },
        },
        { code: "media_not_media", message: "<svg onload=alert(9)> is no media" },
      ),
    );
  }
  await seedOtherCallbacks(db, nowMs);
  return scene;
}

async function storedFile(storage: string, source: string, name: string): Promise<StoredCopy> {
  const path = join(storage, name);
  await cp(join(CHECKOUT, source), path);
  const bytes = await readFile(path);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { url: pathToFileURL(path).href, sizeBytes: bytes.length, sha256, files: 1 };
}

async function storedHls(storage: string, name: string): Promise<StoredCopy> {
  const folder = join(storage, name);
  await mkdir(folder, { recursive: true });
  await cp(join(MEDIA_FIXTURES_FOLDER, "hls/ts"), folder, {
    recursive: true,
    filter: (path) => !path.endsWith(".json"),
  });
  const files = await readdir(folder);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
  return {
    url: pathToFileURL(join(folder, "index.m3u8")).href,
    sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
    sha256: createHash("sha256").update(files.join()).digest("hex"),
    files: files.length,
  };
}

async function seedCameras(db: CatalogueDatabase, nowMs: number, cameras: number): Promise<void> {
  const seedOne = async (index: number): Promise<void> => {
    const seed: RecordingSeed = {
      name: `camera-${String(index % 23).padStart(2, "0")}`,
      format: index % 3 === 0 ? "hls" : "mp4",
      startMs: nowMs - 2 * HOUR_MS - index * 7 * MINUTE_MS,
      durationS: 300 + (index % 5) * 61,
    };
    if (index % 4 === 0) {
      await failed(db, seed, {
        code: ["media_not_found", "media_timeout", "media_forbidden"][index % 3] ?? "",
        message: "The origin says that the file is not there (404).",
      });
    } else if (index % 29 === 5) await recorded(db, seed);
    else if (index % 13 === 2) {
      await looked(db, seed, {
        media: { sizeBytes: Math.round(seed.durationS * 225_000) - 4096 },
        findings: [
          {
            kind: "size_mismatch",
            declared: Math.round(seed.durationS * 225_000),
            actual: Math.round(seed.durationS * 225_000) - 4096,
            detail: "The file has 4,096 bytes less than declared.",
          },
        ],
      });
    } else await looked(db, seed);
  };
  // No more at a time than the pool has connections: whoever waits long for one on a busy machine is given up.
  const indexes = Array.from({ length: cameras }, (_, index) => index).values();
  const seedThose = async (): Promise<void> => {
    for (const index of indexes) await seedOne(index);
  };
  await Promise.all([seedThose(), seedThose()]);
}

/** The stream of the timeline: two formats of one task, with a gap and an overlap in the MP4 lane alone. */
export const TIMELINE_STREAM = "studio-one";

async function seedTimeline(db: CatalogueDatabase, nowMs: number): Promise<void> {
  const lastEndMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS - 10 * MINUTE_MS;
  const piece = 30 * MINUTE_MS;
  for (let index = 1; index <= 10; index++) {
    const startMs = lastEndMs - index * piece;
    const seed: RecordingSeed = { name: TIMELINE_STREAM, format: "hls", startMs, durationS: 1800 };
    await looked(db, seed);
    // Seen from the end: the third MP4 is lost, the fifth is cut short, the seventh lasts too long.
    if (index === 3) continue;
    const mp4 = { ...seed, format: "mp4" as const };
    if (index === 5) await looked(db, { ...mp4, durationS: 1200 });
    else if (index === 7) await looked(db, { ...mp4, durationS: 2400 });
    else if (index === 9) {
      await looked(db, mp4, {
        findings: [
          { kind: "truncated", declared: null, actual: null, detail: "mdat ends beyond the file." },
        ],
      });
    } else await looked(db, mp4);
  }
}

async function seedBroken(db: CatalogueDatabase, seed: RecordingSeed): Promise<string> {
  return await failed(db, seed, {
    code: "media_incomplete",
    message: "Part of the recording is missing or broken: missing_segment, short_segment.",
    attempts: 3,
    media: { durationS: 588.2, sizeBytes: 132_412_416 },
    findings: [
      {
        kind: "missing_segment",
        declared: null,
        actual: null,
        detail: "Segment 41 of 100 (seg-41.ts) is not there: 404.",
      },
      {
        kind: "short_segment",
        declared: 1_350_000,
        actual: 812_416,
        detail: "Segment 42 of 100 (seg-42.ts) ends in the middle of a packet.",
      },
      {
        kind: "duration_mismatch",
        declared: 600,
        actual: 588.2,
        detail: "Plays for 588.2 s instead of 600 s.",
      },
    ],
  });
}

async function seedConflict(db: CatalogueDatabase, seed: RecordingSeed): Promise<string> {
  const recordingId = await looked(db, seed);
  const body = bodyOf(seed);
  const receivedAtMs = seed.startMs + seed.durationS * 1000 + 9000;
  await settle(db, { ...body, t: 1 }, receivedAtMs);
  await settle(
    db,
    { ...body, file_size: 5, video_url: "https://other.myqcloud.com/elsewhere.mp4" },
    receivedAtMs + 4000,
  );
  return recordingId;
}

async function seedOtherCallbacks(db: CatalogueDatabase, nowMs: number): Promise<void> {
  const hostile = { note: "</pre><script>alert(10)</script>", link: "javascript:alert(11)" };
  await settle(db, { event_type: 100, ...hostile }, nowMs - 5000);
  await settle(db, { event_type: 100, stream_id: 7, file_format: "avi" }, nowMs - 65_000);
  await settle(db, { event_type: 1, stream_id: "studio-one", ...hostile }, nowMs - 4000, {
    kind: "unsupported",
  });
  await settle(db, { event_type: 0, stream_id: "studio-one" }, nowMs - 3000, {
    kind: "unsupported",
  });
}
