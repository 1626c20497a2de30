import { expect, test } from "vitest";
import { describeUrl } from "./describe-url.ts";

test.each([
  ["http://u:p@h.test/a.mp4?sign=abc#b", "http://h.test/a.mp4"],
  ["http://h.test/p/sign=abc/a.mp4", "http://h.test/p/sign=[redacted]"],
  ["http://h.test/design=abc/a.mp4", "http://h.test/design=abc/a.mp4"],
  [`http://h.test/${"p".repeat(300)}`, `http://h.test/${"p".repeat(186)}…`],
])("G6: %s is described without its secrets", (url, shown) => {
  expect(describeUrl(new URL(url))).toBe(shown);
});
