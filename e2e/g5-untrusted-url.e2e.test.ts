import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { startMediaOrigin } from "@reelgate/testkit/media-origin";
import type { MediaOrigin } from "@reelgate/testkit/media-origin";
import { CHECKOUT } from "@reelgate/testkit/spawn-app";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  allCallbacks,
  allRecordings,
  untilSettled,
  untilVerified,
} from "@reelgate/testkit/catalogue-audit";
import { postAll, recordingNamed, signed } from "./support/callbacks.ts";
import { startProduct } from "./support/product.ts";
import type { Product } from "./support/product.ts";

/** What must not be reached: listens on one port of every address of this machine. */
interface Victim {
  port: number;
  connections: number;
}

const opened = new AsyncDisposableStack();
const victim: Victim = { port: 0, connections: 0 };
/** What may be reached: 127.0.0.1 on this port is allowed. It redirects, and serves playlists, as a test says. */
let friend: MediaOrigin;
let product: Product;
let callbackUrl: string;

beforeAll(async () => {
  const server = createServer((socket) => {
    victim.connections += 1;
    socket.destroy();
  });
  victim.port = await listenEverywhere(server);
  opened.defer(() => new Promise<void>((resolve) => server.close(() => resolve())));
  friend = opened.use(await startMediaOrigin({ root: join(CHECKOUT, "packages/simulator/media") }));
  product = opened.use(await startProduct());
  // A name of this list may be contacted, but not where it leads: localhost is a private address.
  const allowed = `*.myqcloud.com, localhost:${victim.port}, 127.0.0.1:${friend.port}`;
  const [ingress] = await Promise.all([
    product.startIngress(),
    product.startWorker({ MEDIA_ALLOWED_HOSTS: allowed }),
  ]);
  ({ callbackUrl } = ingress);
});
afterAll(() => opened.disposeAsync());

/** On IPv6 with IPv4 where the machine has it, else on IPv4. */
async function listenEverywhere(server: Server): Promise<number> {
  const listen = (host: string): Promise<boolean> =>
    new Promise((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(0, host, () => resolve(true));
    });
  if (!(await listen("::"))) await listen("0.0.0.0");
  return (server.address() as AddressInfo).port;
}

/** `P` stands for the port of the victim. */
const URLS = [
  "http://127.0.0.1:P/a.mp4",
  "https://127.0.0.1:P/a.mp4",
  "http://127.8.8.8:P/a.mp4",
  "http://2130706433:P/a.mp4",
  "http://0x7f000001:P/a.mp4",
  "http://017700000001:P/a.mp4",
  "http://0x7f.0x0.0x0.0x1:P/a.mp4",
  "http://0177.0.0.01:P/a.mp4",
  "http://127.1:P/a.mp4",
  "http://127.0.1:P/a.mp4",
  "http://%31%32%37.0.0.1:P/a.mp4",
  "http://１２７.０.０.１:P/a.mp4",
  "http://①②⑦.⓪.⓪.①:P/a.mp4",
  "http://127。0。0。1:P/a.mp4",
  "http://127.0.0.1.:P/a.mp4",
  "http://0.0.0.0:P/a.mp4",
  "http://0:P/a.mp4",
  "http://[::1]:P/a.mp4",
  "http://[0:0:0:0:0:0:0:1]:P/a.mp4",
  "http://[::]:P/a.mp4",
  "http://[::ffff:127.0.0.1]:P/a.mp4",
  "http://[::ffff:7f00:1]:P/a.mp4",
  "http://[::127.0.0.1]:P/a.mp4",
  "http://[64:ff9b::127.0.0.1]:P/a.mp4",
  "http://[2002:7f00:1::]:P/a.mp4",
  "http://localhost:P/a.mp4",
  "http://LOCALHOST.:P/a.mp4",
  "http://a.localhost:P/a.mp4",
  "http://127.0.0.1:P\\.myqcloud.com/a.mp4",
  "http://x.myqcloud.com@127.0.0.1:P/a.mp4",
  "http://x.myqcloud.com\\@127.0.0.1:P/a.mp4",
  "http://127.0.0.1:P#@x.myqcloud.com/a.mp4",
  "http://127.0.0.1:P?@x.myqcloud.com/a.mp4",
  "http:\\\\127.0.0.1:P\\a.mp4",
  "http:/127.0.0.1:P/a.mp4",
  "http:127.0.0.1:P/a.mp4",
  "http://///127.0.0.1:P/a.mp4",
  "http://127.0.\n0.1:P/a.mp4",
  "ht\ttp://127.0.0.1:P/a.mp4",
  "http://127.0.0.1:P/sign=1/../a.mp4",
  "http://evilmyqcloud.com:P/a.mp4",
  "http://x.myqcloud.com.evil.test:P/a.mp4",
  "http://10.0.0.1/a.mp4",
  "http://169.254.169.254/latest/meta-data/",
  "http://metadata.google.internal/computeMetadata/v1/",
];

const NO_HTTP_URLS = [
  "file:///etc/passwd",
  "ftp://127.0.0.1:P/a.mp4",
  "gopher://127.0.0.1:P/_a",
  "data:video/mp4;base64,AAAA",
  "blob:http://127.0.0.1:P/a",
  "javascript:fetch('http://127.0.0.1:P')",
  "ws://127.0.0.1:P/a.mp4",
  "//127.0.0.1:P/a.mp4",
  "127.0.0.1:P/a.mp4",
  "http://127.0.0.1%00.myqcloud.com:P/a.mp4",
  "http://",
];

/** Where the friend redirects to. */
const LOCATIONS = [
  "http://127.0.0.1:P/a.mp4",
  "//127.0.0.1:P/a.mp4",
  "http://[::1]:P/a.mp4",
  "http://localhost:P/a.mp4",
  "http://2130706433:P/a.mp4",
  "http://x.myqcloud.com@127.0.0.1:P/a.mp4",
  "https://127.0.0.1:P/a.mp4",
  "file:///etc/passwd",
  "http://169.254.169.254/latest/meta-data/",
];

const HEAD = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n";
/** What the friend's playlists lead to. */
const PLAYLISTS = [
  `${HEAD}#EXTINF:4,\nhttp://127.0.0.1:P/s.ts\n#EXT-X-ENDLIST\n`,
  `${HEAD}#EXTINF:4,\n//localhost:P/s.ts\n#EXT-X-ENDLIST\n`,
  `${HEAD}#EXTINF:4,\n#EXT-X-BYTERANGE:9@0\nhttp://127.0.0.1:P/s.ts\n#EXT-X-ENDLIST\n`,
  `${HEAD}#EXT-X-KEY:METHOD=AES-128,URI="http://127.0.0.1:P/k"\n#EXTINF:4,\n/hls/segment0.ts\n#EXT-X-ENDLIST\n`,
  `${HEAD}#EXT-X-MAP:URI="http://127.0.0.1:P/i.mp4"\n#EXTINF:4,\n/hls/segment0.ts\n#EXT-X-ENDLIST\n`,
  `${HEAD}#EXTINF:4,\n/moved-0\n#EXT-X-ENDLIST\n`,
  "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://127.0.0.1:P/v.m3u8\n",
  `#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="a",URI="http://[::1]:P/a.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1\n/hls/sample.m3u8\n`,
];

describe("G5: the URL is untrusted", () => {
  test("no hostile URL leads anywhere, and each recording says that it was refused", async () => {
    const atVictim = (text: string): string =>
      text.replaceAll("P/", `${victim.port}/`).replaceAll(/:P(?=[\\#?'@])/gu, `:${victim.port}`);
    LOCATIONS.forEach((location, index) => {
      friend.setFault(`/moved-${index}`, { kind: "redirect", location: atVictim(location) });
    });
    PLAYLISTS.forEach((playlist, index) => {
      friend.setFile(`/list-${index}.m3u8`, atVictim(playlist));
    });
    const urls = [
      ...URLS.map((lead) => ({ lead, url: atVictim(lead), format: "mp4" })),
      ...LOCATIONS.map((lead, index) => ({
        lead,
        url: `${friend.url}/moved-${index}`,
        format: "flv",
      })),
      ...PLAYLISTS.map((lead, index) => ({
        lead,
        url: `${friend.url}/list-${index}.m3u8`,
        format: "hls",
      })),
    ];
    // The one name that is allowed passes as a URL; what it resolves to is refused.
    const refusal = (lead: string): string =>
      lead.includes("//localhost:") ? "media_address_forbidden" : "media_url_forbidden";
    const hostile = urls.map(({ url, format }, index) =>
      signed(recordingNamed(`hostile-${index}`, { video_url: url, file_format: format })),
    );
    const noHttp = NO_HTTP_URLS.map((url, index) =>
      signed(recordingNamed(`no-http-${index}`, { video_url: atVictim(url) })),
    );
    const sent = [...hostile, ...noHttp];
    expect(new Set(await postAll(callbackUrl, sent))).toEqual(new Set([200]));
    await untilSettled(product.db, sent.length);
    await untilVerified(product.db);

    const recordings = await allRecordings(product.db);
    const ends = new Map(
      recordings.map(({ streamId, state, failure }) => [streamId, `${state} ${failure?.code}`]),
    );
    expect(urls.map(({ url }, index) => [url, ends.get(`hostile-${index}`)])).toEqual(
      urls.map(({ url, lead }) => [url, `failed ${refusal(lead)}`]),
    );
    expect(ends.size).toBe(urls.length);

    const invalid = (await allCallbacks(product.db)).filter(({ outcome }) => outcome === "invalid");
    expect(new Set(invalid.map(({ id }) => id))).toEqual(new Set(noHttp.map(({ id }) => id)));
    for (const { problems } of invalid) {
      expect(problems).toContainEqual(expect.objectContaining({ path: "video_url" }));
    }
    expect(victim.connections).toBe(0);
  });

  test("and what is allowed is reached, by the same worker", async () => {
    const before = (await allCallbacks(product.db)).length;
    const friendly = signed(recordingNamed("friendly", { video_url: `${friend.url}/sample.mp4` }));
    await postAll(callbackUrl, [friendly]);
    await untilSettled(product.db, before + 1);
    await untilVerified(product.db);
    const recordings = await allRecordings(product.db);
    expect(recordings.find(({ streamId }) => streamId === "friendly")).toMatchObject({
      state: "indexed",
      media: { container: "mp4" },
    });
    // The victim would have been reached too, had anybody tried.
    await fetch(`http://127.0.0.1:${victim.port}/`).catch(() => null);
    expect(victim.connections).toBe(1);
  });
});
