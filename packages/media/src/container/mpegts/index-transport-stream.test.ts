import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MEDIA_FIXTURES_FOLDER } from "@reelgate/testkit/media-fixtures";
import { describe, expect, test } from "vitest";
import { memorySource } from "../../../test/memory-source.ts";
import type { ContainerReport } from "../container-report.ts";
import { indexTransportStream } from "./index-transport-stream.ts";

const NEVER = new AbortController().signal;
const WHOLE = readFileSync(join(MEDIA_FIXTURES_FOLDER, "hls/ts/segment0.ts"));
/** 188 packets that carry nothing. */
const NULLS = Buffer.alloc(188 * 188);
for (let at = 0; at < NULLS.length; at += 188) {
  NULLS.set([0x47, 0x1f, 0xff, 0x10], at);
}
const LONG = Buffer.concat([WHOLE, ...Array.from({ length: 10 }, () => NULLS)]);

async function index(bytes: Buffer, isThorough = false): Promise<ContainerReport> {
  return await indexTransportStream(memorySource(bytes), NEVER, { isThorough });
}
const kinds = ({ findings }: ContainerReport): string[] => findings.map(({ kind }) => kind);

function zeroed(bytes: Buffer, from: number, to: number): Buffer {
  return Buffer.from(bytes).fill(0, from, to);
}

describe("a transport stream on its own", () => {
  test.each([false, true])("has its tracks, and is not measured (thorough: %s)", async (all) => {
    const report = await index(WHOLE, all);
    expect(report).toMatchObject({ durationS: null, completeness: "unknown" });
    expect(report.video).toMatchObject({ codec: "h264", fps: 25 });
    expect(report.audio).toMatchObject({ codec: "aac" });
    expect(kinds(report)).toEqual(["not_fully_checked"]);
    expect(report.findings[0]?.detail).toContain("is not measured");
  });

  test("is cut when it ends within a packet", async () => {
    const report = await index(WHOLE.subarray(0, -1));
    expect(report.completeness).toBe("truncated");
    expect(report.findings[0]).toMatchObject({
      kind: "truncated",
      declared: WHOLE.length,
      actual: WHOLE.length - 1,
    });
  });

  test.each([false, true])("is damaged without sync bytes at its ends (%s)", async (all) => {
    const head = await index(zeroed(LONG, 188 * 20, 188 * 30), all);
    expect(head.findings[0]).toMatchObject({ kind: "damaged", actual: 188 * 20 });
    const tailAt = LONG.length - 188 * 5;
    const tail = await index(zeroed(LONG, tailAt, LONG.length), all);
    expect(tail.findings[0]).toMatchObject({ kind: "damaged", actual: tailAt });
  });

  test("is damaged in its middle, where every packet is looked at", async () => {
    const at = 188 * Math.floor(LONG.length / 376);
    const hole = zeroed(LONG, at, at + 1000);
    expect(kinds(await index(hole))).toEqual(["not_fully_checked"]);
    expect((await index(hole, true)).findings[0]).toMatchObject({ kind: "damaged", actual: at });
  });

  test("is damaged when nothing in it can be played", async () => {
    expect(kinds(await index(NULLS))).toEqual(["damaged", "not_fully_checked"]);
  });
});
