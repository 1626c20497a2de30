import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { nameOfTarget, openTarget, withoutSecrets } from "./targets.ts";

describe("what was typed", () => {
  test.each([
    "ftp://example.com/a.mp4",
    "https://example.com:99999/a.mp4",
    "http://",
    "file://host/a.mp4",
  ])("%s is neither a URL nor a path that can be looked at", (typed) => {
    expect(() => openTarget(typed, [])).toThrow(
      expect.objectContaining({
        code: "config_invalid",
        message: expect.stringContaining("Give a URL such as"),
      }),
    );
  });

  test("a path and its file: URL are the same", async () => {
    const [path, url] = [
      openTarget(import.meta.filename, []),
      openTarget(pathToFileURL(import.meta.filename).href, []),
    ];
    expect(path.url).toBe(url.url);
    await Promise.all([path.client.close(), url.client.close()]);
  });

  test("the password and the query of a URL are not shown", () => {
    expect(withoutSecrets("https://me:secret@a.example/x.mp4?sign=b@c")).toBe(
      "https://a.example/x.mp4",
    );
    expect(withoutSecrets("https://a.example/x.mp4?sign=secret#t=1")).toBe(
      "https://a.example/x.mp4",
    );
    expect(withoutSecrets("./what?.mp4")).toBe("./what?.mp4");
  });
});

test.each([
  ["https://a.example/live/one.flv", "one"],
  ["https://a.example/live/one/index.m3u8?x=y", "one-index"],
  ["https://a.example/playlist.m3u8", "playlist"],
  ["/recordings/two/index.m3u8", "two-index"],
  ["https://a.example/", "recording"],
  ["recording.mp4", "recording"],
])("a copy of %s is called %s", (typed, name) => {
  expect(nameOfTarget(typed)).toBe(name);
});
