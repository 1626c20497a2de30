import { readFileSync } from "node:fs";
import { fixturePath } from "@reelgate/testkit/media-fixtures";
import { describe, expect, test } from "vitest";
import { memorySource } from "../../../test/memory-source.ts";
import {
  box,
  type Fragment,
  fragment,
  fragmentedMoov,
  FTYP,
  moof,
  text,
  u16,
  u32,
  u64,
  u8,
} from "../../../test/mp4-boxes.ts";
import { sparseSource } from "../../../test/sparse-source.ts";
import type { ContainerReport } from "../container-report.ts";
import { indexMp4 } from "./index-mp4.ts";

const NEVER = new AbortController().signal;
const HEAD = Buffer.concat([FTYP, fragmentedMoov()]);

async function report(...parts: Buffer[]): Promise<ContainerReport> {
  return await indexMp4(memorySource(Buffer.concat(parts)), NEVER);
}

/** The pictures of that second, 25 of them. */
const second = (start: number): Fragment => ({
  trackId: 1,
  start: start * 25,
  samples: 25,
  units: 1,
});
/** The sound of that second, 43 or so frames. */
const sound = (start: number): Fragment => ({
  trackId: 2,
  start: start * 44_100,
  samples: 49,
  units: 900,
});

function pictures(count: number, mediaBytes = 20_000): Buffer[] {
  return Array.from({ length: count }, (_, index) => fragment(second(index), mediaBytes));
}

interface Access {
  trackId: number;
  offset: number;
}

function mfra(isLong: boolean, ...accesses: Access[]): Buffer {
  const tables = accesses.map(({ trackId, offset }) => {
    const numbers = u8(1, 1, 1);
    const entry = (at: number): Buffer =>
      isLong ? Buffer.concat([u64(0), u64(at), numbers]) : Buffer.concat([u32(0, at), numbers]);
    return box("tfra", u32(isLong ? 0x0100_0000 : 0, trackId, 0, 2), entry(0), entry(offset));
  });
  const bytes = 8 + tables.reduce((sum, { length }) => sum + length, 0) + 16;
  return box("mfra", ...tables, box("mfro", u32(0, bytes)));
}

describe("the index at the end (mfra)", () => {
  const media = [...pictures(10), fragment(sound(9), 100)];
  const bytes = HEAD.length + media.reduce((sum, { length }) => sum + length, 0);
  const lastPictures = bytes - (media.at(-1)?.length ?? 0) - (media.at(-2)?.length ?? 0);
  const lastSound = bytes - (media.at(-1)?.length ?? 0);

  test.each([false, true])(
    "leads to the last fragment of each track (64 bits: %s)",
    async (isLong) => {
      const index = mfra(
        isLong,
        { trackId: 1, offset: lastPictures },
        { trackId: 2, offset: lastSound },
      );
      expect(await report(HEAD, ...media, index)).toMatchObject({
        durationS: 10,
        completeness: "whole",
        video: { fps: 25 },
        findings: [],
      });
    },
  );

  test("that leads elsewhere is damage, and the fragments are found without it", async () => {
    const index = mfra(false, { trackId: 1, offset: lastPictures - 7 });
    const found = await report(HEAD, ...media, index);
    expect(found).toMatchObject({ durationS: 10, durationIsExact: false });
    expect(found.findings).toMatchObject([
      { kind: "damaged", detail: expect.stringContaining("mfra") },
    ]);
  });

  test("of tracks that are not there is not used", async () => {
    const index = mfra(false, { trackId: 77, offset: 5 });
    expect(await report(HEAD, ...media, index)).toMatchObject({ durationS: 10 });
  });
});

describe("the index at the beginning (sidx)", () => {
  const media = pictures(10);
  const sizes = media.map(({ length }) => length);

  function sidx(version: 0 | 1, references: number[]): Buffer {
    const times = version === 1 ? Buffer.concat([u64(0), u64(0)]) : u32(0, 0);
    return box(
      "sidx",
      u32(version * 0x0100_0000, 1, 25),
      times,
      u16(0, references.length),
      ...references.map((size) => u32(size, 25, 0x8000_0000)),
    );
  }

  test.each([0, 1] as const)("version %i is all that is needed", async (version) => {
    const bytes = Buffer.concat([HEAD, sidx(version, sizes), ...media]);
    const source = sparseSource(bytes.length, [{ offset: 0, bytes }]);
    expect(await indexMp4(source, NEVER)).toMatchObject({ durationS: 10, completeness: "whole" });
    expect(source.fetchedBytes).toBe(65_536);
  });

  test("of indexes covers what these cover", async () => {
    const references = [(sizes[0] ?? 0) * 4 + 0x8000_0000, (sizes[0] ?? 0) * 6];
    expect(await report(HEAD, sidx(0, references), ...media)).toMatchObject({
      durationS: 2,
      completeness: "whole",
    });
  });

  test("may be followed by mfra", async () => {
    const index = mfra(false, { trackId: 1, offset: 1 });
    expect(await report(HEAD, sidx(0, sizes), ...media, index)).toMatchObject({
      durationS: 10,
      completeness: "whole",
    });
  });

  test("tells what is missing, and how long the rest is", async () => {
    const found = await report(HEAD, sidx(0, sizes), ...media.slice(0, 7));
    const missing = (sizes[0] ?? 0) * 3;
    expect(found).toMatchObject({
      durationS: 7,
      durationIsExact: false,
      completeness: "truncated",
    });
    expect(found.findings[0]?.detail).toContain(`${missing} bytes are missing`);
  });

  test("that is cut itself, or empty, is not used", async () => {
    expect(await report(HEAD, sidx(0, []), ...media)).toMatchObject({
      durationS: 10,
      findings: [],
    });
    expect(await report(HEAD, sidx(0, sizes).subarray(0, 40))).toMatchObject({
      completeness: "truncated",
    });
  });
});

describe("the end of the last fragment", () => {
  const media = pictures(10);

  test("that lacks its media data is a cut", async () => {
    const found = await report(HEAD, ...media, moof(second(10)));
    expect(found).toMatchObject({ durationS: 10, completeness: "truncated" });
    expect(found.findings[0]?.detail).toContain("the media data that must follow is missing");
  });

  test("in the middle of its media data counts up to its beginning", async () => {
    const cut = fragment(second(10), 5000).subarray(0, -1);
    const found = await report(HEAD, ...media, cut);
    expect(found).toMatchObject({ durationS: 10, completeness: "truncated" });
    expect(found.findings[0]?.detail).toContain("1 byte is missing");
  });

  test("followed by zeros, or by garbage, is damage", async () => {
    const zeros = await report(HEAD, ...media, Buffer.alloc(100_000));
    expect(zeros.findings).toMatchObject([
      { kind: "damaged", detail: expect.stringContaining("zero bytes") },
    ]);
    const garbage = await report(HEAD, ...media, Buffer.alloc(100, 0x01));
    expect(garbage).toMatchObject({ completeness: "unknown" });
    expect(garbage.findings.map(({ kind }) => kind)).toContain("damaged");
  });

  test("is not mistaken for letters inside of media data", async () => {
    const decoy = Buffer.concat([u32(24), text("moof"), u32(16), text("mfhd"), u32(0, 1)]);
    const last = Buffer.concat([
      moof(second(10)),
      box("mdat", Buffer.alloc(500), decoy, Buffer.alloc(9)),
    ]);
    expect(await report(HEAD, ...media, last)).toMatchObject({ durationS: 11, findings: [] });
  });
});

test("fragments without times of their own are not measured", async () => {
  const untimed = Buffer.concat([
    box(
      "moof",
      box("mfhd", u32(0, 1)),
      box("traf", box("tfhd", u32(8, 1, 1)), box("trun", u32(0, 25))),
    ),
    box("mdat", Buffer.alloc(50)),
  ]);
  const found = await report(HEAD, untimed, untimed);
  expect(found).toMatchObject({ durationS: null, durationIsExact: false, video: { fps: 25 } });
  expect(found.findings).toMatchObject([{ kind: "not_fully_checked" }]);
});

test("a recording whose clock starts late is as long as its fragments", async () => {
  const media = Array.from({ length: 4 }, (_, index) => fragment(second(100_000 + index)));
  expect(await report(HEAD, ...media)).toMatchObject({ durationS: 4, durationIsExact: true });
});

test("a real one that lost its middle is damaged", async () => {
  const file = readFileSync(fixturePath("mp4/fragmented-mfra.mp4"));
  const holed = Buffer.concat([file.subarray(0, 12_000), file.subarray(15_000)]);
  const found = await indexMp4(memorySource(holed), NEVER);
  expect(found.findings.map(({ kind }) => kind)).toContain("damaged");
});
