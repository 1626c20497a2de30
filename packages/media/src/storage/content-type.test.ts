import { expect, test } from "vitest";
import { contentTypeOf } from "./content-type.ts";

test.each([
  ["a.mp4", "video/mp4"],
  ["index.m3u8", "application/vnd.apple.mpegurl"],
  ["a.b.ts", "video/mp2t"],
  ["key-0.key", "application/octet-stream"],
  ["x.constructor", "application/octet-stream"],
  ["x.toString", "application/octet-stream"],
  ["x.__proto__", "application/octet-stream"],
  ["mp4x", "application/octet-stream"],
])("%s is %s", (name, type) => {
  expect(contentTypeOf(name)).toBe(type);
});
