import { describe, expect, test } from "vitest";
import { parseProviderHosts } from "./provider-hosts.ts";

describe("the provider's hosts", () => {
  test("as a browser is told them", () => {
    const list = "*.myqcloud.com, Media.Example.com:8080,bücher.example,127.0.0.1,127.0.0.2:81";
    expect(parseProviderHosts(list).sources).toEqual([
      "*.myqcloud.com",
      "media.example.com:8080",
      "xn--bcher-kva.example",
      "127.0.0.1:*",
      "127.0.0.2:81",
    ]);
  });

  test.each([
    "10.0.0.0/8",
    "[::1]",
    "fd00::/8",
    "a b.example",
    "x;script-src *",
    "*",
    "http://a.b",
  ])("%s is refused", (list) => {
    expect(() => parseProviderHosts(list)).toThrow(/./u);
  });
});
