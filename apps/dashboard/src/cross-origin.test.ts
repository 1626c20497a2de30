import { describe, expect, test } from "vitest";
import { foreignOriginHeader } from "./cross-origin.ts";

describe("where a state-changing request comes from", () => {
  test.each([
    {},
    { "sec-fetch-site": "same-origin" },
    { "sec-fetch-site": "none" },
    { origin: "http://reelgate.test:3000" },
    { origin: "HTTP://REELGATE.test:3000" },
    { origin: "http://reelgate.test:3000", referer: "http://elsewhere.test/" },
    { referer: "http://reelgate.test:3000/queues?x=1" },
    { host: "reelgate.test", origin: "https://reelgate.test:443" },
    { host: "reelgate.test:443", origin: "https://reelgate.test" },
    { host: "[::1]:3000", origin: "http://[::1]:3000" },
  ])("%o is this origin, or no browser", (headers) => {
    expect(foreignOriginHeader({ host: "reelgate.test:3000", ...headers })).toBeNull();
  });

  test.each([
    ["Sec-Fetch-Site", { "sec-fetch-site": "cross-site" }],
    ["Sec-Fetch-Site", { "sec-fetch-site": "same-site" }],
    ["Sec-Fetch-Site", { "sec-fetch-site": "" }],
    ["Sec-Fetch-Site", { "sec-fetch-site": "cross-site", origin: "http://reelgate.test:3000" }],
    ["Origin", { origin: "null" }],
    ["Origin", { origin: "" }],
    ["Origin", { origin: "http://evil.test" }],
    ["Origin", { origin: "http://reelgate.test" }],
    ["Origin", { origin: "http://reelgate.test:3001" }],
    ["Origin", { origin: "http://reelgate.test:3000.evil.test" }],
    ["Origin", { origin: "http://evil.test#reelgate.test:3000" }],
    ["Origin", { origin: "http://reelgate.test:3000@evil.test" }],
    ["Origin", { origin: "file://reelgate.test:3000" }],
    ["Origin", { "sec-fetch-site": "same-origin", origin: "http://evil.test" }],
    ["Origin", { origin: "http://evil.test", referer: "http://reelgate.test:3000/" }],
    ["Origin", { origin: "http://evil.test", host: undefined }],
    ["Referer", { referer: "http://evil.test/reelgate.test:3000" }],
    ["Referer", { referer: "not a URL" }],
  ])("%s of %o is foreign", (header, headers) => {
    expect(foreignOriginHeader({ host: "reelgate.test:3000", ...headers })).toBe(header);
  });
});
