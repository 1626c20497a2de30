import { expect, test } from "vitest";
import type { Finding } from "@reelgate/shared/contract/media";
import { nameFifty } from "./named-findings.ts";

const findings = (count: number): Finding[] =>
  Array.from({ length: count }, (_, index) => ({
    kind: "missing_key",
    declared: null,
    actual: null,
    detail: `Key ${index} is missing.`,
  }));

test.each([
  [0, 0, 0, undefined],
  [50, 0, 50, "Key 49 is missing."],
  [51, 0, 50, "Key 49 is missing. 1 more are missing."],
  [50, 7, 50, "Key 49 is missing. 7 more are missing."],
  [10_000, 0, 50, "Key 49 is missing. 9950 more are missing."],
])("%d findings and %d more are %d named ones", (count, unnamed, named, last) => {
  const all = nameFifty(findings(count), unnamed, "are missing");
  expect(all).toHaveLength(named);
  expect(all.at(-1)?.detail).toBe(last);
});
