import { readFileSync } from "node:fs";
import { cpuTimeMs } from "@reelgate/testkit/cpu-time";
import { fixturePath, MEDIA_FIXTURES } from "@reelgate/testkit/media-fixtures";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memorySource } from "../../../test/memory-source.ts";
import { box, fragmentedMoov, FTYP, text, u32, u64 } from "../../../test/mp4-boxes.ts";
import { sparseSource } from "../../../test/sparse-source.ts";
import type { ByteSource } from "../../source/byte-source.ts";
import type { ContainerReport } from "../container-report.ts";
import { indexMp4 } from "./index-mp4.ts";

const NEVER = new AbortController().signal;
const MAX_BYTES = 8_388_608 + 2_097_152;
const MAX_MS = 2000;
const FILES = MEDIA_FIXTURES.filter(({ format }) => format === "mp4").map(({ name }) =>
  readFileSync(fixturePath(name)),
);

/** Reads it, and holds the report against what every report must be. */
async function boundedReport(source: ByteSource): Promise<ContainerReport> {
  const start = cpuTimeMs();
  const report = await indexMp4(source, NEVER);
  expect(cpuTimeMs() - start).toBeLessThan(MAX_MS);
  expect(source.fetchedBytes).toBeLessThanOrEqual(MAX_BYTES);
  const { durationS, completeness, findings } = report;
  expect(durationS === null || (Number.isFinite(durationS) && durationS >= 0)).toBe(true);
  expect(findings.some(({ kind }) => kind === "truncated")).toBe(completeness === "truncated");
  expect(findings.length).toBeLessThan(20);
  for (const { detail, declared } of findings) {
    expect(detail).toMatch(/^[\u0020-\u007e\u00a9]{10,200}$/);
    expect(declared === null || Number.isSafeInteger(declared)).toBe(true);
  }
  return report;
}

describe("any bytes give a report, in bounded time and for bounded bytes", () => {
  test("a fixture with some bytes changed, cut out or doubled", async () => {
    const change = fc.record({
      kind: fc.constantFrom("set", "huge", "zero", "cut", "double"),
      // Most of what can be broken is in the first bytes, and in the last.
      at: fc.oneof(fc.nat(6000), fc.nat(50_000), fc.integer({ min: -2000, max: -1 })),
      value: fc.nat(255),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...FILES),
        fc.array(change, { minLength: 1, maxLength: 8 }),
        async (file, changes) => {
          let bytes: Uint8Array = Uint8Array.from(file);
          for (const { kind, at, value } of changes) {
            const size = Math.max(bytes.length, 1);
            const position = ((at % size) + size) % size;
            bytes = changed(bytes, kind, position, value);
          }
          await boundedReport(memorySource(bytes));
        },
      ),
      { numRuns: 1500 },
    );
  });

  function changed(bytes: Uint8Array, kind: string, at: number, value: number): Uint8Array {
    switch (kind) {
      case "set":
        bytes.fill(value, at, Math.min(at + 1, bytes.length));
        return bytes;
      case "huge":
        return bytes.fill(0xff, at, Math.min(at + 4, bytes.length));
      case "zero":
        return bytes.fill(0, at, Math.min(at + value, bytes.length));
      case "cut":
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + value)]);
      default:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - value))]);
    }
  }

  test("a tree of boxes that no writer would make", async () => {
    const names =
      "ftyp moov trak mdia minf stbl stsd stts stsz stsc stco co64 edts elst mvex mehd trex moof mfhd traf tfhd tfdt trun mdat mfra tfra mfro sidx free mvhd tkhd mdhd hdlr avc1 mp4a esds";
    const type = fc.constantFrom(...names.split(" "));
    const size = fc.oneof(
      { weight: 6, arbitrary: fc.constant(null) },
      fc.constantFrom(0, 1, 7, 8, 16, 0x7fff_ffff, 0xffff_ffff),
      fc.nat(500),
    );
    const { tree } = fc.letrec<{ tree: Buffer; leaf: Buffer }>((tie) => ({
      leaf: fc.oneof(
        fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
        fc
          .array(fc.constantFrom(0, 1, 2, 25, 1000, 0xffff_ffff), { maxLength: 20 })
          .map((values) => u32(...values)),
        fc.nat(2 ** 31).map((value) => Buffer.concat([u32(0), u64(value * 2 ** 21)])),
      ),
      tree: fc
        .tuple(
          type,
          size,
          fc.array(fc.oneof({ maxDepth: 6 }, tie("leaf"), tie("tree")), { maxLength: 5 }),
        )
        .map(([name, forced, children]) => {
          const bytes = box(name, ...children);
          if (forced !== null) {
            bytes.writeUInt32BE(forced);
          }
          return bytes;
        }),
    }));
    const head = Buffer.concat([FTYP, fragmentedMoov()]);
    await fc.assert(
      fc.asyncProperty(fc.array(tree, { maxLength: 8 }), fc.boolean(), async (trees, hasHead) => {
        const bytes = Buffer.concat([...(hasHead ? [head] : []), ...trees]);
        await boundedReport(memorySource(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});

describe("what was made to be expensive is given up", () => {
  const GIGABYTE = 1_073_741_824;

  test("a hundred thousand far boxes", async () => {
    const parts = Array.from({ length: 100_000 }, (_, index) => ({
      offset: FTYP.length + index * 50_000,
      bytes: Buffer.concat([u32(50_000), text("free")]),
    }));
    const source = sparseSource(FTYP.length + 5e9, [{ offset: 0, bytes: FTYP }, ...parts]);
    const report = await boundedReport(source);
    expect(report.findings).toMatchObject([{ kind: "not_fully_checked" }]);
  });

  test("fragments of a gigabyte without an index", async () => {
    const head = Buffer.concat([FTYP, fragmentedMoov()]);
    const moof = box("moof", box("mfhd", u32(0, 1)));
    const parts = Array.from({ length: 200 }, (_, index) => ({
      offset: head.length + index * GIGABYTE,
      bytes: Buffer.concat([moof, u32(GIGABYTE - moof.length), text("mdat")]),
    }));
    const source = sparseSource(head.length + 200 * GIGABYTE, [
      { offset: 0, bytes: head },
      ...parts,
    ]);
    const report = await boundedReport(source);
    expect(report).toMatchObject({ durationIsExact: false, completeness: "unknown" });
    expect(report.findings).toMatchObject([{ kind: "not_fully_checked" }]);
  });

  test("a moov of very many far boxes", async () => {
    const count = 5000;
    const moovBytes = 8 + count * 40_000;
    const parts = Array.from({ length: count }, (_, index) => ({
      offset: FTYP.length + 8 + index * 40_000,
      bytes: Buffer.concat([u32(40_000), text("trak")]),
    }));
    const source = sparseSource(FTYP.length + moovBytes, [
      { offset: 0, bytes: Buffer.concat([FTYP, u32(moovBytes), text("moov")]) },
      ...parts,
    ]);
    const report = await boundedReport(source);
    expect(report.findings.map(({ kind }) => kind)).toContain("not_fully_checked");
  });

  test("an end full of words that look like fragments", async () => {
    const head = Buffer.concat([FTYP, fragmentedMoov()]);
    const decoy = Buffer.concat([u32(16), text("moof"), u32(8), text("mfhd")]);
    const first = box("moof", box("mfhd", u32(0, 1)));
    const media = box("mdat", Buffer.alloc(6_000_000, decoy), Buffer.alloc(9, 1));
    const report = await boundedReport(memorySource(Buffer.concat([head, first, media, media])));
    expect(report.durationIsExact).toBe(false);
  });

  test("boxes in boxes in boxes", async () => {
    let nest = box("free");
    for (let depth = 0; depth < 3000; depth += 1) {
      nest = box(depth % 2 === 0 ? "moov" : "trak", nest);
    }
    expect((await boundedReport(memorySource(nest))).durationS).toBeNull();
  });
});
