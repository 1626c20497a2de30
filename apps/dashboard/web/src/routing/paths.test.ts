import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { callbackPath, recordingPath, routeOf, streamPath } from "./paths.ts";

/** As a browser does, which takes dot segments out of a path. */
function follow(path: string): ReturnType<typeof routeOf> {
  const url = new URL(path, "http://dashboard.test");
  return routeOf(url.pathname, url.search);
}

describe("addresses", () => {
  test.each([
    ["/", { page: "overview" }],
    ["/recordings", { page: "recordings" }],
    ["/recordings/", { page: "recordings" }],
    ["/recordings/12", { page: "recording", id: "12" }],
    ["/streams", { page: "streams" }],
    ["/callbacks", { page: "callbacks" }],
    ["/callbacks/cb-1", { page: "callback", id: "cb-1" }],
    ["/elsewhere", { page: "not-found" }],
    ["/recordings/1/2", { page: "not-found" }],
    ["/recordings/%E0%A4%A", { page: "not-found" }],
  ])("%s", (path, route) => {
    expect(follow(path)).toEqual(route);
  });

  test("any stream is found under its own address, with a query or without", () => {
    const streamIds = fc.oneof(
      fc.string({ unit: "grapheme" }).filter((text) => text.isWellFormed()),
      fc.constantFrom(
        "",
        ".",
        "..",
        "...",
        "a/b",
        "a%2Fb",
        "%",
        "?",
        "#",
        "a?b#c",
        "//",
        "javascript:alert(1)",
      ),
    );
    fc.assert(
      fc.property(streamIds, fc.constantFrom("", "zoom=1h"), (streamId, query) => {
        expect(follow(streamPath(streamId, query))).toEqual({ page: "stream", streamId });
        expect(new URL(streamPath(streamId, query), "http://dashboard.test").host).toBe(
          "dashboard.test",
        );
      }),
    );
  });

  test("other ids too", () => {
    expect(follow(recordingPath("a/b"))).toEqual({ page: "recording", id: "a/b" });
    expect(follow(callbackPath("cb-é?"))).toEqual({ page: "callback", id: "cb-é?" });
  });
});
