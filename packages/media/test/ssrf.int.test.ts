import { join } from "node:path";
import { Agent, request } from "undici";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { AppError, type ErrorCode } from "@reelgate/shared/errors";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import { type AllowedHosts, parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import type { ResolvedAddress, ResolveHost } from "../src/guard/connector.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";
import { indexMedia } from "../src/index-media.ts";
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

const NAMES: Readonly<Record<string, readonly string[]>> = {
  "friend.myqcloud.com": ["127.0.0.1"],
  "loopback.myqcloud.com": ["127.0.0.1"],
  "loopback6.myqcloud.com": ["::1"],
  "mapped.myqcloud.com": ["::ffff:127.0.0.1"],
  "mapped-hex.myqcloud.com": ["::ffff:7f00:1"],
  "compatible.myqcloud.com": ["::127.0.0.1"],
  "nat64.myqcloud.com": ["64:ff9b::7f00:1"],
  "local-nat64.myqcloud.com": ["64:ff9b:1::7f00:1"],
  "6to4.myqcloud.com": ["2002:7f00:1::"],
  "mixed-last.myqcloud.com": ["93.184.215.14", "2606:2800:21f::1", "127.0.0.1"],
  "mixed-first.myqcloud.com": ["127.0.0.1", "93.184.215.14"],
  "any.myqcloud.com": ["0.0.0.0"],
  "any6.myqcloud.com": ["::"],
  "private.myqcloud.com": ["10.0.0.1"],
  "cgnat.myqcloud.com": ["100.64.0.1"],
  "link-local.myqcloud.com": ["fe80::1%lo"],
  "unique-local.myqcloud.com": ["fd12:3456::1"],
  "metadata.myqcloud.com": ["169.254.169.254"],
  "azure-metadata.myqcloud.com": ["168.63.129.16"],
  "tencent-metadata.myqcloud.com": ["169.254.0.23"],
  "alibaba-metadata.myqcloud.com": ["100.100.100.200"],
  "a-name.myqcloud.com": ["localhost"],
  "127.0.0.1.myqcloud.com": ["127.0.0.1"],
};

const resolve: ResolveHost = async (hostname) => addresses(NAMES[hostname] ?? ["127.0.0.1"]);

function addresses(list: readonly string[]): ResolvedAddress[] {
  return list.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
}

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

async function refusal(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    () => new Error("it went through"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) {
    throw new Error("not refused with an AppError", { cause: error });
  }
  return error;
}

/** An allowed name passes as a URL; only what it resolves to is refused. */
function refusalCode(text: string): ErrorCode {
  return /\/\/[a-z-]+\.myqcloud\.com:/.test(text)
    ? "media_address_forbidden"
    : "media_url_forbidden";
}

/** URLs by name. `P` stands for the victim's port. */
const LITERALS: readonly (readonly [name: string, url: string])[] = [
  ["dotted decimal", "http://127.0.0.1:P/"],
  ["another loopback address", "http://127.8.8.8:P/"],
  ["one decimal number", "http://2130706433:P/"],
  ["one hexadecimal number", "http://0x7f000001:P/"],
  ["one octal number", "http://017700000001:P/"],
  ["hexadecimal parts", "http://0x7f.0x0.0x0.0x1:P/"],
  ["octal parts", "http://0177.0.0.01:P/"],
  ["two parts", "http://127.1:P/"],
  ["three parts", "http://127.0.1:P/"],
  ["mixed notations", "http://0x7f.1:P/"],
  ["percent-encoded digits", "http://%31%32%37.0.0.1:P/"],
  ["full-width digits", "http://１２７.０.０.１:P/"],
  ["circled digits", "http://①②⑦.⓪.⓪.①:P/"],
  ["ideographic full stops", "http://127。0。0。1:P/"],
  ["a soft hyphen inside", "http://127.0.0.\u00ad1:P/"],
  ["a trailing dot", "http://127.0.0.1.:P/"],
  ["the unspecified address", "http://0.0.0.0:P/"],
  ["the unspecified address, short", "http://0:P/"],
  ["IPv6 loopback", "http://[::1]:P/"],
  ["IPv6 loopback, long", "http://[0:0:0:0:0:0:0:1]:P/"],
  ["IPv6 unspecified", "http://[::]:P/"],
  ["IPv4-mapped", "http://[::ffff:127.0.0.1]:P/"],
  ["IPv4-mapped, hexadecimal", "http://[::ffff:7f00:1]:P/"],
  ["IPv4-compatible", "http://[::127.0.0.1]:P/"],
  ["NAT64", "http://[64:ff9b::127.0.0.1]:P/"],
  ["6to4", "http://[2002:7f00:1::]:P/"],
  ["Teredo", "http://[2001:0:7f00:1::]:P/"],
  ["an IPv6 zone", "http://[fe80::1%25lo]:P/"],
  ["TLS", "https://127.0.0.1:P/"],
  ["the friend's address, another port", "http://127.0.0.1:P/sample.mp4"],
  ["a public address that is not listed", "http://93.184.215.14/"],
  ["AWS, Google, Azure metadata", "http://169.254.169.254/latest/meta-data/"],
  ["Azure's public-looking address", "http://168.63.129.16/"],
  ["IPv6 metadata", "http://[fd00:ec2::254]/"],
];

const HOSTS: readonly (readonly [name: string, url: string])[] = [
  ["localhost", "http://localhost:P/"],
  ["localhost with a trailing dot", "http://localhost.:P/"],
  ["localhost in capitals", "http://LOCALHOST:P/"],
  ["a name under localhost", "http://a.localhost:P/"],
  ["an allowed name with a trailing dot", "http://loopback.myqcloud.com.:P/"],
  ["the apex of a pattern", "http://myqcloud.com:P/"],
  ["a name that only ends alike", "http://evilmyqcloud.com:P/"],
  ["an allowed name as a prefix", "http://a.myqcloud.com.evil.test:P/"],
  ["an allowed name as the user", "http://friend.myqcloud.com@127.0.0.1:P/"],
  ["user and password", "http://friend.myqcloud.com:80@127.0.0.1:P/"],
  ["an empty user", "http://@127.0.0.1:P/"],
  ["the victim as the user", "http://127.0.0.1:P@friend.myqcloud.com/"],
  ["two at-signs", "http://a@friend.myqcloud.com@127.0.0.1:P/"],
  ["a backslash before the at-sign", "http://friend.myqcloud.com\\@127.0.0.1:P/"],
  ["a backslash as the slash", "http:\\\\127.0.0.1:P\\"],
  ["a backslash after the host", "http://127.0.0.1:P\\.myqcloud.com/"],
  ["a fragment before the at-sign", "http://127.0.0.1:P#@friend.myqcloud.com/"],
  ["a query before the at-sign", "http://127.0.0.1:P?@friend.myqcloud.com/"],
  ["one slash", "http:/127.0.0.1:P/"],
  ["no slash", "http:127.0.0.1:P/"],
  ["many slashes", "http://///127.0.0.1:P/"],
  ["a line break inside", "http://127.0.\n0.1:P/"],
  ["a tab in the scheme", "ht\ttp://127.0.0.1:P/"],
  ["a NUL", "http://127.0.0.1\u0000.myqcloud.com:P/"],
  ["a percent-encoded NUL", "http://127.0.0.1%00.myqcloud.com:P/"],
  ["no scheme", "//127.0.0.1:P/"],
  ["a port that is not allowed", "http://friend.myqcloud.com:22/"],
  ["port 0", "http://friend.myqcloud.com:0/"],
  ["file", "file:///etc/passwd"],
  ["file with a host", "file://127.0.0.1/etc/passwd"],
  ["ftp", "ftp://127.0.0.1:P/"],
  ["gopher", "gopher://127.0.0.1:P/_x"],
  ["data", "data:video/mp4;base64,AAAA"],
  ["blob", "blob:http://127.0.0.1:P/x"],
  ["javascript", "javascript:alert(1)"],
  ["ws", "ws://127.0.0.1:P/"],
  ["unix socket", "http+unix://%2Fvar%2Frun%2Fdocker.sock/"],
];

describe("G5 the URL is untrusted", () => {
  test.each([...LITERALS, ...HOSTS])("%s is not connected to", async (_name, template) => {
    const url = template
      .replaceAll("P/", `${victim.port}/`)
      .replace(/:P(?=[\\#?@])/, `:${victim.port}`);
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
