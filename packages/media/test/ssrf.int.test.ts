import { join } from "node:path";
import { Agent, request } from "undici";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import { type AllowedHosts, parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";
import { indexMedia } from "../src/index-media.ts";
import {
  addresses,
  aimedAt,
  HOSTS,
  LITERALS,
  NAMES,
  refusal,
  refusalCode,
  resolve,
} from "./ssrf-vectors.ts";
import { startTcpListener, type TcpListener } from "./tcp-listener.ts";

const SAMPLES_FOLDER = join(import.meta.dirname, "../../simulator/media");

/**
 * The victim is a listener on loopback that no entry of the list covers. The friend is an origin on 127.0.0.1 that
 * the list names with its port; so what keeps the victim untouched is the guard, not a client that reaches nothing.
 * The names under myqcloud.com are allowed on the victim's port too: only their addresses are in the way.
 */
let victim: TcpListener;
let friend: MediaOrigin;
let client: MediaClient;

beforeAll(async () => {
  victim = await startTcpListener();
  friend = await startMediaOrigin({ root: SAMPLES_FOLDER });
  client = createMediaClient({
    allowedHosts: parseAllowedHosts(
      `*.myqcloud.com:${victim.port}, *.myqcloud.com:${friend.port}, 127.0.0.1:${friend.port}`,
    ),
    resolve,
  });
});

afterAll(async () => {
  await client.close();
  await friend[Symbol.asyncDispose]();
  await victim[Symbol.asyncDispose]();
});

afterEach(() => {
  victim.connections = 0;
});

describe("G5 the URL is untrusted", () => {
  test.each([...LITERALS, ...HOSTS])("%s is not connected to", async (_name, template) => {
    const url = aimedAt(template, victim.port);
    const error = await refusal(client.readPrefix(url, 10));
    expect(error.code).toBe("media_url_forbidden");
    expect(error.message).not.toContain("secret");
    expect(victim.connections).toBe(0);
  });

  test.each(Object.keys(NAMES).filter((name) => name !== "friend.myqcloud.com"))(
    "what %s resolves to is not connected to",
    async (name) => {
      const error = await refusal(client.readPrefix(`http://${name}:${victim.port}/`, 10));
      expect(error).toMatchObject({ code: "media_address_forbidden", retryable: false });
      expect(victim.connections).toBe(0);
    },
  );

  test.each([301, 302, 303, 307, 308] as const)(
    "a redirect (%i) to loopback is not followed",
    async (status) => {
      friend.setFault("/moved", {
        kind: "redirect",
        location: `http://127.0.0.1:${victim.port}/`,
        status,
      });
      const error = await refusal(client.readPrefix(`${friend.url}/moved`, 10));
      expect(error.code).toBe("media_url_forbidden");
      expect(victim.connections).toBe(0);
    },
  );

  test.each([
    "//127.0.0.1:P/",
    "http://2130706433:P/",
    "http://[::1]:P/",
    "http://loopback.myqcloud.com:P/",
    "http://mixed-last.myqcloud.com:P/",
    "http://friend.myqcloud.com@127.0.0.1:P/",
    "https://127.0.0.1:P/",
    "file:///etc/passwd",
    "ftp://127.0.0.1:P/",
    "gopher://127.0.0.1:P/",
    "data:text/plain,x",
  ])("a redirect to %s is not followed", async (template) => {
    const location = template.replace("P/", `${victim.port}/`);
    friend.setFault("/moved", { kind: "redirect", location });
    const error = await refusal(client.readPrefix(`${friend.url}/moved`, 10));
    expect(error.code).toBe(refusalCode(location));
    expect(victim.connections).toBe(0);
  });

  test("a URL of 8,192 characters passes, a reference that is resolved to more than 4,096 does not", () => {
    const root = `${friend.url}/`;
    const long = (length: number): string => root + "a".repeat(length - root.length);
    const base = new URL(`${long(4000)}/list.m3u8`);
    expect(client.check(long(8192)).href).toHaveLength(8192);
    expect(client.check("b".repeat(95), base).href).toHaveLength(4096);
    expect(client.check("/b", new URL(`${long(8000)}/list.m3u8`)).pathname).toBe("/b");
    const refused = expect.objectContaining({ code: "media_url_forbidden" });
    expect(() => client.check(long(8193))).toThrow(refused);
    expect(() => client.check(`${root}${"é".repeat(4000)}`)).toThrow(refused);
    expect(() => client.check("b".repeat(96), base)).toThrow(refused);
  });

  test("the last of five redirects is checked like the first", async () => {
    friend.setFile("/moved", "");
    friend.setFault("/moved", { kind: "redirect-chain", hops: 4 });
    const reached = await client.readPrefix(`${friend.url}/moved`, 10);
    expect(reached.finalUrl.search).toBe("?hop=4");
    friend.setFault("/a", { kind: "redirect", location: "/b" });
    friend.setFault("/b", { kind: "redirect", location: "/c" });
    friend.setFault("/c", { kind: "redirect", location: `http://127.0.0.1:${victim.port}/` });
    const error = await refusal(client.readPrefix(`${friend.url}/a`, 10));
    expect(error.code).toBe("media_url_forbidden");
    expect(victim.connections).toBe(0);
  });

  const SEGMENT = "#EXTINF:4,\n";
  const MEDIA = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n";
  test.each([
    ["segment", `${MEDIA}${SEGMENT}http://V/s.ts\n#EXT-X-ENDLIST\n`],
    ["protocol-relative segment", `${MEDIA}${SEGMENT}//V/s.ts\n#EXT-X-ENDLIST\n`],
    [
      "last of many segments",
      `${MEDIA}${`${SEGMENT}/ok.ts\n`.repeat(20)}${SEGMENT}http://V/s.ts\n`,
    ],
    ["byte-range segment", `${MEDIA}${SEGMENT}#EXT-X-BYTERANGE:9@0\nhttp://V/s.ts\n`],
    ["gap segment", `${MEDIA}${SEGMENT}#EXT-X-GAP\nhttp://V/s.ts\n`],
    ["key", `${MEDIA}#EXT-X-KEY:METHOD=AES-128,URI="http://V/k"\n${SEGMENT}/ok.ts\n`],
    ["sample key", `${MEDIA}#EXT-X-KEY:METHOD=SAMPLE-AES,URI="http://V/k"\n${SEGMENT}/ok.ts\n`],
    ["init section", `${MEDIA}#EXT-X-MAP:URI="http://V/i.mp4"\n${SEGMENT}/ok.ts\n`],
    ["variant", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://V/v.m3u8\n"],
    [
      "variant of lower rate",
      "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://V/v.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\n/hls/sample.m3u8\n",
    ],
    [
      "rendition",
      '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="http://V/a.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=2\n/hls/sample.m3u8\n',
    ],
    ["file segment", `${MEDIA}${SEGMENT}file:///etc/passwd\n`],
    ["data key", `${MEDIA}#EXT-X-KEY:METHOD=AES-128,URI="data:;base64,AAAA"\n${SEGMENT}/ok.ts\n`],
    ["segment by name", `${MEDIA}${SEGMENT}http://loopback.myqcloud.com:P/s.ts\n`],
    ["segment that redirects", `${MEDIA}${SEGMENT}/to-victim\n`],
    ["variant that redirects", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n/to-victim\n"],
  ])("a playlist's %s does not lead to loopback", async (_name, template) => {
    friend.setFile("/ok.ts", "G");
    friend.setFault("/to-victim", {
      kind: "redirect",
      location: `http://127.0.0.1:${victim.port}/`,
    });
    friend.setFile(
      "/list.m3u8",
      template.replace("//V/", `//127.0.0.1:${victim.port}/`).replace(":P/", `:${victim.port}/`),
    );
    const error = await refusal(
      indexMedia(client, `${friend.url}/list.m3u8`, { format: "hls", sizeBytes: 1, durationS: 4 }),
    );
    expect(error.code).toBe(refusalCode(template));
    expect(victim.connections).toBe(0);
  });

  test("a name that changes its answer between check and connection gains nothing", async () => {
    // 127.0.0.2 is allowed and nothing listens there; every second answer is the victim.
    let lookups = 0;
    const rebinding = createMediaClient({
      allowedHosts: parseAllowedHosts(`*.myqcloud.com:${victim.port}, 127.0.0.2`),
      connectTimeoutMs: 500,
      resolve: async () => {
        lookups += 1;
        return addresses([lookups % 2 === 1 ? "127.0.0.2" : "127.0.0.1"]);
      },
    });
    const codes: string[] = [];
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const url = `http://rebinding.myqcloud.com:${victim.port}/`;
      codes.push((await refusal(rebinding.readPrefix(url, 10))).code);
    }
    await rebinding.close();
    expect(victim.connections).toBe(0);
    // One lookup for one connection: there is no second answer that could differ from the checked one.
    expect(lookups).toBe(10);
    expect(codes.filter((code) => code === "media_address_forbidden")).toHaveLength(5);
  });

  test("the peer of the finished connection is looked at once more", async () => {
    const allowed = parseAllowedHosts(`*.myqcloud.com:${friend.port}, 127.0.0.1:${friend.port}`);
    const entries = [...allowed.addresses];
    const changing: AllowedHosts = { names: allowed.names, addresses: entries };
    const answers = addresses(["127.0.0.1"]);
    // Iterated after the check of the answers, when they are handed to the socket: the list is empty from then on.
    Object.defineProperty(answers, Symbol.iterator, {
      *value() {
        entries.length = 0;
        yield answers[0];
      },
    });
    const late = createMediaClient({ allowedHosts: changing, resolve: async () => answers });
    const before = friend.requests.length;
    const error = await refusal(
      late.readPrefix(`http://friend.myqcloud.com:${friend.port}/sample.mp4`, 10),
    );
    await late.close();
    expect(error.code).toBe("media_address_forbidden");
    expect(friend.requests.length).toBe(before);
  });

  test("what is allowed goes through, by address, by name, by redirect and by playlist", async () => {
    const byAddress = await client.readPrefix(`${friend.url}/sample.mp4`, 8);
    expect(byAddress.bytes).toHaveLength(8);
    const byName = await client.readPrefix(
      `http://friend.myqcloud.com:${friend.port}/sample.mp4`,
      8,
    );
    expect(byName.bytes).toEqual(byAddress.bytes);
    friend.setFault("/moved", {
      kind: "redirect",
      location: `http://friend.myqcloud.com:${friend.port}/sample.mp4`,
    });
    const byRedirect = await client.readPrefix(`${friend.url}/moved`, 8);
    expect(byRedirect.bytes).toEqual(byAddress.bytes);
    const report = await indexMedia(client, `${friend.url}/hls/sample.m3u8`, {
      format: "hls",
      sizeBytes: 72_944,
      durationS: 6,
    });
    expect(report.findings).toEqual([]);
  });

  test("without the guard the same URLs do reach the listener", async () => {
    const agent = new Agent();
    for (const url of [
      "http://127.0.0.1:P/",
      "http://2130706433:P/",
      "http://0x7f000001:P/",
      "http://017700000001:P/",
      "http://127.1:P/",
      "http://%31%32%37.0.0.1:P/",
      "http://１２７.０.０.１:P/",
      "http://①②⑦.⓪.⓪.①:P/",
      "http://127.0.0.1.:P/",
      "http://localhost:P/",
    ]) {
      const before = victim.connections;
      const answer = await request(url.replace("P/", `${victim.port}/`), { dispatcher: agent });
      await answer.body.dump();
      expect([url, victim.connections > before]).toEqual([url, true]);
    }
    await agent.close();
  });
});
