import { describe, expect, test } from "vitest";
import type { DeclaredMedia } from "@reelgate/shared/contract/media";
import { meanBitrateKbps } from "./bitrate.ts";
import {
  containerFindings,
  durationFindings,
  fileSizeFindings,
  NOTHING_DECLARED,
} from "./compare-declared.ts";

const declared: DeclaredMedia = { format: "mp4", sizeBytes: 1000, durationS: 300 };
const kinds = (findings: readonly { kind: string }[]): string[] => findings.map(({ kind }) => kind);

test("the container is compared by its name", () => {
  expect(containerFindings("mp4", declared)).toEqual([]);
  expect(containerFindings("mpegts", declared)).toMatchObject([
    { kind: "container_mismatch", declared: "mp4", actual: "mpegts" },
  ]);
});

describe("the size of a single file", () => {
  test.each([
    ["equal", 1000, "unknown", []],
    ["longer", 1001, "unknown", ["size_mismatch"]],
    ["shorter, and no end mark to say more", 999, "unknown", ["size_mismatch", "truncated"]],
    ["shorter, and yet whole", 999, "whole", ["size_mismatch"]],
    ["shorter, and its reader has said so already", 999, "truncated", ["size_mismatch"]],
  ] as const)("%s", (_name, sizeBytes, completeness, expected) => {
    expect(kinds(fileSizeFindings(sizeBytes, completeness, declared))).toEqual(expected);
  });
});

describe("the duration", () => {
  test.each([
    ["within 1 %", 303, 300, []],
    ["beyond 1 %", 303.1, 300, ["duration_mismatch"]],
    ["within 2 s of a short file", 8, 10, []],
    ["beyond 2 s of a short file", 7.9, 10, ["duration_mismatch"]],
  ] as const)("%s", (_name, actual, durationS, expected) => {
    expect(kinds(durationFindings("It lasts", actual, true, { ...declared, durationS }))).toEqual(
      expected,
    );
  });

  test("an estimate and an unknown one accuse nobody", () => {
    expect(durationFindings("It lasts", 1, false, declared)).toEqual([]);
    expect(durationFindings("It lasts", null, true, declared)).toEqual([]);
  });
});

test("without a declaration there is no difference", () => {
  expect(containerFindings("flv", NOTHING_DECLARED)).toEqual([]);
  expect(fileSizeFindings(1, "unknown", NOTHING_DECLARED)).toEqual([]);
  expect(durationFindings("It lasts", 1, true, NOTHING_DECLARED)).toEqual([]);
});

test.each([
  [1_000_000, 8, 1000],
  [null, 8, null],
  [1000, null, null],
  [1000, 0, null],
])("%s bytes in %s s are %s kbit/s", (sizeBytes, durationS, expected) => {
  expect(meanBitrateKbps(sizeBytes, durationS)).toBe(expected);
});
