import { readFileSync } from "node:fs";
import { fixturePath, MEDIA_FIXTURES, type MediaFixture } from "@reelgate/testkit/media-fixtures";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AAC_CONFIGURATION,
  AVC_CONFIGURATION,
  avcFrame,
  flvHeader,
  flvTag,
  onMetaData,
} from "../../test/flv-tags.ts";
import { memorySource } from "../../test/memory-source.ts";
import { indexAdts } from "./adts/index-adts.ts";
import type { ContainerReader, ContainerReport } from "./container-report.ts";
import { indexFlv } from "./flv/index-flv.ts";
import { indexMp4 } from "./mp4/index-mp4.ts";

const NEVER = new AbortController().signal;
const READERS: Record<Exclude<MediaFixture["format"], "hls">, ContainerReader> = {
  mp4: indexMp4,
  flv: indexFlv,
  aac: (source, signal) => indexAdts(source, signal),
};
const fixture = (name: Parameters<typeof fixturePath>[0]): Buffer =>
  readFileSync(fixturePath(name));

async function look(
  reader: ContainerReader,
  bytes: Uint8Array,
  isThorough = true,
): Promise<ContainerReport> {
  return await reader(memorySource(bytes), NEVER, { isThorough });
}
const kinds = ({ findings }: ContainerReport): string[] => findings.map(({ kind }) => kind);

const INTACT = MEDIA_FIXTURES.flatMap(({ name, format, damage }) =>
  format === "hls" || damage !== null ? [] : [{ name, format }],
);

describe("an intact file has no finding, however thorough the look is", () => {
  test.each(INTACT)("$name", async ({ name, format }) => {
    const report = await look(READERS[format], fixture(name));
    const usual = await look(READERS[format], fixture(name), false);
    expect(report).toEqual({ ...usual, durationIsExact: true, findings: [] });
  });
});

/** The box of that type at the top level. */
function boxOf(file: Buffer, type: string): { start: number; end: number } {
  for (let at = 0; at < file.length; at += file.readUInt32BE(at)) {
    if (file.toString("latin1", at + 4, at + 8) === type) {
      return { start: at, end: at + file.readUInt32BE(at) };
    }
  }
  throw new Error(`There is no ${type}.`);
}

describe("in an MP4 of one piece", () => {
  const whole = fixture("mp4/faststart.mp4");

  test.each([
    ["a last part that was preallocated and never written", 0.6, 1],
    ["a hole in the middle", 0.5, 0.6],
    ["nothing but zeros", 0.15, 1],
  ])("%s is found", async (_name, from, to) => {
    const start = Math.max(Math.floor(whole.length * from), boxOf(whole, "mdat").start + 8);
    const bytes = Buffer.from(whole).fill(0, start, Math.floor(whole.length * to));
    expect((await look(indexMp4, bytes, false)).findings).toEqual([]);
    const { findings, durationIsExact } = await look(indexMp4, bytes);
    expect(findings).toMatchObject([
      { kind: "damaged", detail: expect.stringMatching(/zeros or foreign bytes.* \d+ samples/u) },
    ]);
    expect(durationIsExact).toBe(false);
    // The sample that the hole begins in may begin before it.
    const offset = Number(findings[0]?.actual);
    expect(offset).toBeGreaterThan(start - 10_000);
    expect(offset).toBeLessThan(start + 2000);
  });

  test("text in place of media is found", async () => {
    const bytes = Buffer.from(whole).fill("<html>error</html>", whole.length - 20_000);
    expect(kinds(await look(indexMp4, bytes))).toEqual(["damaged"]);
  });

  test.each([
    ["beyond the end of the file", 0xffff_fff0],
    ["into the header", 0],
  ])("chunks that lead %s are found", async (_name, offset) => {
    const bytes = Buffer.from(whole);
    const at = bytes.indexOf("stco");
    bytes.writeUInt32BE(offset, at + 12);
    expect((await look(indexMp4, bytes, false)).findings).toEqual([]);
    expect((await look(indexMp4, bytes)).findings).toMatchObject([
      { kind: "damaged", actual: offset, detail: expect.stringContaining("outside of the media") },
    ]);
  });
});

test("samples that share their bytes are not checked for ever", async () => {
  const whole = fixture("mp4/faststart.mp4");
  const bytes = Buffer.from(whole);
  const { start, end } = boxOf(bytes, "mdat");
  const at = bytes.indexOf("stsz");
  const count = bytes.readUInt32BE(at + 12);
  for (let sample = 0; sample < count; sample += 1) {
    bytes.writeUInt32BE(sample % 2 === 0 ? end - start - 8 : 0, at + 16 + sample * 4);
  }
  const chunks = bytes.indexOf("stco");
  for (let chunk = 0; chunk < bytes.readUInt32BE(chunks + 8); chunk += 1) {
    bytes.writeUInt32BE(start + 8, chunks + 12 + chunk * 4);
  }
  const runs = bytes.indexOf("stsc");
  bytes.writeUInt32BE(1, runs + 8);
  bytes.writeUInt32BE(1, runs + 16);
  const report = await look(indexMp4, bytes);
  expect(report.findings.map(({ detail }) => detail).join(" ")).toContain("too scattered");
});

describe("in a fragmented MP4", () => {
  const whole = fixture("mp4/fragmented-no-index.mp4");
  const boxes: { type: string; start: number; end: number }[] = [];
  for (let at = 0; at < whole.length; at += whole.readUInt32BE(at)) {
    const type = whole.toString("latin1", at + 4, at + 8);
    boxes.push({ type, start: at, end: at + whole.readUInt32BE(at) });
  }
  const moofs = boxes.filter(({ type }) => type === "moof");
  const [, , third, fourth] = moofs;

  test("a fragment that is left out is found", async () => {
    const bytes = Buffer.concat([whole.subarray(0, third?.start), whole.subarray(fourth?.start)]);
    expect(await look(indexMp4, bytes, false)).toMatchObject({ findings: [] });
    expect((await look(indexMp4, bytes)).findings).toMatchObject([
      {
        kind: "damaged",
        actual: third?.start,
        detail: expect.stringContaining("1 fragment is missing"),
      },
    ]);
  });

  test("a pause of the stream is none, nor are fragments that are counted anew", async () => {
    const later = Buffer.from(whole);
    for (const { start, end } of moofs.slice(3)) {
      const moof = later.subarray(start, end);
      for (let at = moof.indexOf("tfdt"); at !== -1; at = moof.indexOf("tfdt", at + 1)) {
        const isLong = moof[at + 4] === 1;
        const field = isLong ? at + 12 : at + 8;
        moof.writeUInt32BE(moof.readUInt32BE(field) + 10_000_000, field);
      }
    }
    expect(kinds(await look(indexMp4, later))).toEqual([]);
    const anew = Buffer.from(whole);
    for (const [index, { start }] of moofs.slice(3).entries()) {
      anew.writeUInt32BE(100 + index, start + 20);
    }
    expect(kinds(await look(indexMp4, anew))).toEqual([]);
  });

  test("a hole is found, and samples that are longer than their media data", async () => {
    const start = (third?.end ?? 0) + 300;
    const hole = Buffer.from(whole).fill(0, start, (fourth?.start ?? 0) - 300);
    expect(kinds(await look(indexMp4, hole))).toEqual(["damaged"]);
    const long = Buffer.from(whole);
    const moof = long.subarray(third?.start, third?.end);
    const run = moof.indexOf("trun");
    moof.writeUInt32BE(900_000, run + 20);
    expect((await look(indexMp4, long)).findings).toMatchObject([
      { kind: "damaged", detail: expect.stringContaining("outside of the media data") },
    ]);
  });
});

/** Frames of 25 fps as an encoder writes them: a unit behind its length. */
function frames(fromMs: number, toMs: number, bytes = 4000): Buffer[] {
  const tags: Buffer[] = [];
  for (let time = fromMs; time < toMs; time += 40) {
    const frame = avcFrame(time % 1000 === 0, bytes);
    frame.writeUInt32BE(bytes - 4, 5);
    tags.push(flvTag(9, time, frame));
  }
  return tags;
}
const CONFIGURATION = [flvTag(9, 0, AVC_CONFIGURATION), flvTag(8, 0, AAC_CONFIGURATION)];
const flv = (...tags: Buffer[]): Buffer => Buffer.concat([flvHeader(5), ...tags]);

describe("in a FLV", () => {
  const whole = flv(...CONFIGURATION, ...frames(0, 20_000));

  test.each([
    ["zeros", (bytes: Buffer, at: number) => Buffer.from(bytes).fill(0, at, at + 30_000)],
    ["text", (bytes: Buffer, at: number) => Buffer.from(bytes).fill("<html>", at, at + 30_000)],
    [
      "a cut",
      (bytes: Buffer, at: number) =>
        Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 30_000)]),
    ],
    [
      "zeros within a frame",
      (bytes: Buffer, at: number) => Buffer.from(bytes).fill(0, at, at + 99),
    ],
  ])("%s in the middle is found", async (_name, damage) => {
    const at = 13 + CONFIGURATION.reduce((sum, { length }) => sum + length, 0) + 4020 * 300 + 1000;
    const bytes = damage(whole, at);
    expect((await look(indexFlv, bytes, false)).findings).toEqual([]);
    const { findings } = await look(indexFlv, bytes);
    expect(findings.map(({ kind }) => kind)).toEqual(["damaged"]);
    expect(Number(findings[0]?.actual)).toBeGreaterThan(at - 4020);
    expect(Number(findings[0]?.actual)).toBeLessThanOrEqual(at);
  });

  test.each(["damaged/flv-hole.flv", "damaged/flv-zeroed-hole.flv"] as const)(
    "%s is found",
    async (name) => {
      expect(kinds(await look(indexFlv, fixture(name)))).toContain("damaged");
    },
  );

  test.each([
    ["timestamps that begin anew", frames(0, 12_000)],
    ["a second file behind the first", [flvHeader(5), ...CONFIGURATION, ...frames(0, 12_000)]],
  ])("%s: both parts are added up", async (_name, rest) => {
    const bytes = flv(...CONFIGURATION, ...frames(0, 8000), ...rest);
    expect(await look(indexFlv, bytes, false)).toMatchObject({ durationIsExact: false });
    expect(await look(indexFlv, bytes)).toMatchObject({
      durationS: 20,
      durationIsExact: true,
      findings: [],
    });
  });

  test("metadata of another duration makes one doubt the ends alone", async () => {
    const script = flvTag(18, 0, onMetaData({ duration: 8 }));
    const bytes = flv(script, ...CONFIGURATION, ...frames(0, 8000), ...frames(0, 12_000));
    const usual = await look(indexFlv, bytes, false);
    expect(usual).toMatchObject({ durationS: 12, durationIsExact: false });
    expect(usual.findings).toMatchObject([
      { kind: "not_fully_checked", detail: expect.stringContaining("begin anew in between") },
    ]);
    expect(await look(indexFlv, bytes)).toMatchObject({ durationS: 20, findings: [] });
    const right = flv(flvTag(18, 0, onMetaData({ duration: 20 })), ...frames(0, 20_000));
    expect(await look(indexFlv, right, false)).toMatchObject({ durationIsExact: true });
  });

  test("a tag longer than any window is read whole", async () => {
    const large = flv(...CONFIGURATION, ...frames(0, 40), ...frames(40, 120, 3_000_000));
    expect(await look(indexFlv, large)).toMatchObject({ durationS: 0.12, findings: [] });
  });
});

test("whatever is changed, there is a report", async () => {
  const names = ["mp4/faststart.mp4", "mp4/fragmented-no-index.mp4", "flv/full.flv"] as const;
  const files = names.map((name) => [name, fixture(name)] as const);
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...files), changes, async ([name, file], list) => {
      const bytes = Buffer.from(file);
      for (const [at, value] of list) {
        // Most of the structure stands at the beginning.
        bytes[at % (at % 2 === 0 ? 6000 : bytes.length)] = value;
      }
      const report = await look(name.endsWith("flv") ? indexFlv : indexMp4, bytes);
      expect(["whole", "truncated", "unknown"]).toContain(report.completeness);
    }),
    { numRuns: 600 },
  );
});
