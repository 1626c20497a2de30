import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { mediaSchema } from "@reelgate/shared/contract/media";
import { AppError } from "@reelgate/shared/errors";
import {
  MEDIA_FIXTURES,
  MEDIA_FIXTURES_FOLDER,
  type MediaFixture,
} from "@reelgate/testkit/media-fixtures";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";
import { indexMedia } from "../src/index-media.ts";
import { NOTHING_DECLARED } from "../src/report/compare-declared.ts";

/** All formats together. Each run is a whole look over HTTP. */
const RUNS = 10_000;
const LANES = 8;
/** What one look may take and fetch. The fixtures have at most 150 KB: more would be a loop. */
const MAX_LOOK_MS = 10_000;
const MAX_LOOK_BYTES = 4_000_000;

let origin: MediaOrigin;
let client: MediaClient;
beforeAll(async () => {
  origin = await startMediaOrigin({ root: MEDIA_FIXTURES_FOLDER });
  client = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1") });
});
afterAll(async () => {
  await client.close();
  await origin[Symbol.asyncDispose]();
});

/** A generator of its own, so that a failing run can be repeated by its number (mulberry32). */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Flipped bits mostly; now and then a number at its limits, a cut, or a stretch that is gone or there twice. */
function mutate(original: Buffer, random: (below: number) => number): Buffer {
  let bytes = Buffer.from(original);
  for (let changes = 1 + random(8); changes > 0 && bytes.length > 8; changes -= 1) {
    // The head holds most of the structure.
    const reach = random(2) === 0 ? Math.min(bytes.length, 2048) : bytes.length;
    const at = random(Math.max(reach - 4, 1));
    switch (random(8)) {
      case 0:
        bytes.writeUInt32BE([0, 1, 0x7fff_ffff, 0xffff_ffff][random(4)] ?? 0, at);
        break;
      case 1:
        bytes = bytes.subarray(0, at + 1);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random(500))]);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at + random(500)), bytes.subarray(at)]);
        break;
      default:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
    }
  }
  return bytes;
}

/** The files of a fixture, by their paths at the origin. */
async function filesOf(fixture: MediaFixture): Promise<ReadonlyMap<string, Buffer>> {
  const path = join(MEDIA_FIXTURES_FOLDER, fixture.path);
  if (fixture.format !== "hls") {
    return new Map([[fixture.path, await readFile(path)]]);
  }
  const folder = fixture.path.slice(0, fixture.path.lastIndexOf("/"));
  const names = await readdir(join(MEDIA_FIXTURES_FOLDER, folder), { recursive: true });
  const files = new Map<string, Buffer>();
  for (const name of names.toSorted()) {
    const file = join(MEDIA_FIXTURES_FOLDER, folder, name);
    if (!name.endsWith(".json") && (await stat(file)).isFile()) {
      files.set(`${folder}/${name}`, await readFile(file));
    }
  }
  return files;
}

async function lookAtMutation(run: number, fixture: MediaFixture): Promise<void> {
  const random = randomOf(run);
  const files = [...(await filesOf(fixture))];
  const root = `/run-${run}/`;
  const mutated = random(files.length);
  // The playlist is what most of a look follows.
  const chosen = random(2) === 0 ? files.findIndex(([path]) => path === fixture.path) : mutated;
  for (const [index, [path, bytes]] of files.entries()) {
    origin.setFile(root + path, index === chosen ? mutate(bytes, random) : bytes);
  }
  const startedAt = performance.now();
  const ending = await indexMedia(client, origin.url + root + fixture.path, NOTHING_DECLARED, {
    segments: "all",
  }).then(
    (report) => (mediaSchema.safeParse(report.media).success ? "a report" : "no sound report"),
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );
  let sentBytes = 0;
  for (const [path] of files) {
    sentBytes += origin.counters(root + path).sentBytes;
    origin.setFile(root + path, "");
  }
  expect(ENDINGS, `run ${run} of ${fixture.name}`).toContain(ending);
  expect(performance.now() - startedAt).toBeLessThan(MAX_LOOK_MS);
  expect(sentBytes).toBeLessThan(MAX_LOOK_BYTES);
}

/** No timeout and no exhausted budget is among them: nothing in these files takes long or much. */
const ENDINGS: readonly string[] = [
  "a report",
  "media_not_media",
  "media_not_found",
  "media_playlist_invalid",
  "media_url_forbidden",
  "media_http_error",
];

const formats = ["mp4", "flv", "aac", "hls"] as const;
describe(`${RUNS} changed fixtures: a result or a typed error, in bounded time and bytes`, () => {
  test.each(formats)("%s", { timeout: 300_000 }, async (format) => {
    const fixtures = MEDIA_FIXTURES.filter((fixture) => fixture.format === format);
    const first = formats.indexOf(format) * (RUNS / formats.length);
    let next = first;
    const lane = async (): Promise<void> => {
      while (next < first + RUNS / formats.length) {
        const run = next;
        next += 1;
        const fixture = fixtures[run % fixtures.length];
        if (fixture === undefined) throw new Error("no fixture");
        await lookAtMutation(run, fixture);
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    expect(next).toBe(first + RUNS / formats.length);
  });
});
