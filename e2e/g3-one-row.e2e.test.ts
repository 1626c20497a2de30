import { createRandom } from "@reelgate/simulator/random";
import { until } from "@reelgate/testkit/latch";
import { startMediaOrigin } from "@reelgate/testkit/media-origin";
import type { MediaOrigin } from "@reelgate/testkit/media-origin";
import { CHECKOUT } from "@reelgate/testkit/spawn-app";
import type { SpawnedApp } from "@reelgate/testkit/spawn-app";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  allCallbacks,
  allRecordings,
  outcomes,
  untilSettled,
  untilVerified,
} from "@reelgate/testkit/catalogue-audit";
import { inTenMinutes, postAll, recordingNamed, signed } from "./support/callbacks.ts";
import type { SignedCallback } from "./support/callbacks.ts";
import { startProduct } from "./support/product.ts";
import type { Product } from "./support/product.ts";

const opened = new AsyncDisposableStack();
let product: Product;
let origin: MediaOrigin;
let workers: SpawnedApp[];
/** Where the callback of this index goes: to the two of them in turn. */
let urlOf: (index: number) => string;
const file = await readFile(join(CHECKOUT, "packages/simulator/media/sample.mp4"));

beforeAll(async () => {
  product = opened.use(await startProduct());
  origin = opened.use(await startMediaOrigin({ files: { "/a.mp4": file } }));
  const hosts = { MEDIA_ALLOWED_HOSTS: `127.0.0.1:${origin.port}` };
  const [one, two, ...others] = await Promise.all([
    product.startIngress(),
    product.startIngress(),
    product.startWorker(hosts),
    product.startWorker(hosts),
  ]);
  workers = others;
  urlOf = (index) => (index % 2 === 0 ? one : two).callbackUrl;
});
afterAll(() => opened.disposeAsync());

const TRUE_SIZE = file.length;
const FALSE_SIZE = 5;

/** A true callback of a recording, or one that contradicts it; every `t` makes another. */
function callbackOf(name: string, t: number, isTrue: boolean): SignedCallback {
  return signed(
    recordingNamed(name, {
      file_size: isTrue ? TRUE_SIZE : FALSE_SIZE,
      duration: 6,
      // The signature of a URL differs each time, and says nothing about the file.
      video_url: `${origin.url}/a.mp4?sign=${t}`,
    }),
    { t },
  );
}

const random = createRandom("g3");

const NAMES = ["a", "b", "c"];
const PER_RECORDING = 80;

describe("G3: one row per recording", () => {
  test("whatever the number and order of its callbacks, over two of everything", async () => {
    const t = inTenMinutes();
    const distinct = NAMES.flatMap((name) =>
      Array.from({ length: PER_RECORDING }, (_, index) =>
        callbackOf(name, t + index, index % 4 !== 3),
      ),
    );
    // Each is delivered twice, and so to both of the ingresses as chance has it.
    const sent = random.shuffle([...distinct, ...distinct]);
    const statuses = await postAll(urlOf, sent);
    expect(new Set(statuses)).toEqual(new Set([200]));
    await untilSettled(product.db, distinct.length);
    await untilVerified(product.db);

    const recordings = await allRecordings(product.db);
    expect(recordings.map(({ streamId }) => streamId).toSorted()).toEqual(NAMES);
    const callbacks = await allCallbacks(product.db);
    expect(new Set(callbacks.map(({ id }) => id))).toEqual(new Set(distinct.map(({ id }) => id)));
    expect(callbacks).toHaveLength(distinct.length);
    for (const recording of recordings) {
      const own = callbacks.filter(({ recordingId }) => recordingId === recording.id);
      const count = (outcome: string): number =>
        own.filter((callback) => callback.outcome === outcome).length;
      const isTrue = recording.declared.sizeBytes === TRUE_SIZE;
      // Whoever came first made the row, and those who say otherwise are in conflict with it.
      const agreeing = PER_RECORDING * (isTrue ? 0.75 : 0.25);
      expect({
        callbackCount: recording.callbackCount,
        conflictCount: recording.conflictCount,
        recorded: count("recorded"),
        duplicate: count("duplicate"),
        conflict: count("conflict"),
      }).toEqual({
        callbackCount: PER_RECORDING,
        conflictCount: PER_RECORDING - agreeing,
        recorded: 1,
        duplicate: agreeing - 1,
        conflict: PER_RECORDING - agreeing,
      });
      expect(recording).toMatchObject({
        state: "indexed",
        declared: { sizeBytes: isTrue ? TRUE_SIZE : FALSE_SIZE },
        media: { sizeBytes: TRUE_SIZE },
        findings: isTrue ? [] : [{ kind: "size_mismatch" }],
      });
    }
    // Its file was looked at once, whichever worker did it.
    const looks = workers.flatMap(({ log }) => log.withMessage("recording indexed"));
    expect(looks.map(({ recordingId }) => String(recordingId)).toSorted()).toEqual(
      recordings.map(({ id }) => id).toSorted(),
    );
  });

  test("and the formats of one task are recordings of their own", async () => {
    const before = await outcomes(product.db);
    const t = inTenMinutes();
    const formats = ["hls", "mp4", "flv", "aac"];
    const sent = formats.flatMap((format) =>
      [0, 1, 2].map((offsetS) =>
        signed(
          recordingNamed("formats", {
            file_id: null,
            record_file_id: "one-task",
            file_format: format,
            video_url: `http://192.0.2.1/one-task.${format}`,
          }),
          { t: t + offsetS },
        ),
      ),
    );
    await postAll(urlOf, random.shuffle(sent));
    await until(
      async () => {
        const { recorded = 0, duplicate = 0 } = await outcomes(product.db);
        expect([recorded, duplicate]).toEqual([
          (before.recorded ?? 0) + 4,
          (before.duplicate ?? 0) + 8,
        ]);
        return true;
      },
      { what: "four recordings and eight duplicates", timeoutMs: 30_000 },
    );
    const recordings = (await allRecordings(product.db)).filter(
      ({ streamId }) => streamId === "formats",
    );
    expect(recordings.map(({ format }) => format).toSorted()).toEqual(formats.toSorted());
    expect(recordings.map(({ callbackCount }) => callbackCount)).toEqual([3, 3, 3, 3]);
  });
});
