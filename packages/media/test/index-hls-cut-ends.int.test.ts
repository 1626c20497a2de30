import { createCipheriv } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";
import { indexMedia } from "../src/index-media.ts";
import { NOTHING_DECLARED } from "../src/report/compare-declared.ts";
import type { SegmentSelection } from "../src/hls/segment-plan.ts";

const PACKET_BYTES = 188;
const KEY = Buffer.alloc(16, 7);

let origin: MediaOrigin;
let client: MediaClient;

beforeAll(async () => {
  origin = await startMediaOrigin();
  client = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1") });
});

afterAll(async () => {
  await client.close();
  await origin[Symbol.asyncDispose]();
});

/** Segments of so many packets of one PID, whose counter goes on across them, or begins anew in each. */
function streamOf(packets: readonly number[], startsAnew = false): Buffer[] {
  let counter = 0;
  return packets.map((count) => {
    counter = startsAnew ? 0 : counter;
    const segment = Buffer.alloc(count * PACKET_BYTES, 0x55);
    for (let at = 0; at < segment.length; at += PACKET_BYTES) {
      // A PES packet begins in each.
      segment.set([0x47, 0x41, 0x00, 0x10 | counter, 0, 0, 1], at);
      counter = (counter + 1) & 0x0f;
    }
    return segment;
  });
}

interface Recording {
  segments: readonly Buffer[];
  isEncrypted?: boolean;
  /** Index of a segment that begins behind EXT-X-DISCONTINUITY. */
  discontinuityAt?: number;
}

let recordings = 0;

/** Looks at a recording of segments of a second each; tells what was found, and how many requests each segment took. */
async function look(
  { segments: parts, isEncrypted = false, discontinuityAt = -1 }: Recording,
  segments: SegmentSelection | undefined = "all",
  isThorough = false,
): Promise<{ short: string[]; requests: number }> {
  recordings += 1;
  const folder = `/cut-${recordings}`;
  const lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1"];
  if (isEncrypted) {
    origin.setFile(`${folder}/key`, KEY);
    lines.push('#EXT-X-KEY:METHOD=AES-128,URI="key"');
  }
  for (const [index, segment] of parts.entries()) {
    const iv = Buffer.alloc(16);
    iv.writeUInt32BE(index, 12);
    const cipher = createCipheriv("aes-128-cbc", KEY, iv);
    const bytes = isEncrypted ? Buffer.concat([cipher.update(segment), cipher.final()]) : segment;
    origin.setFile(`${folder}/s${index}.ts`, bytes);
    lines.push(...(index === discontinuityAt ? ["#EXT-X-DISCONTINUITY"] : []));
    lines.push("#EXTINF:1,", `s${index}.ts`);
  }
  origin.setFile(`${folder}/index.m3u8`, [...lines, "#EXT-X-ENDLIST", ""].join("\n"));
  const before = origin.requests.length;
  const url = `${origin.url}${folder}/index.m3u8`;
  const { findings } = await indexMedia(client, url, NOTHING_DECLARED, {
    isThorough,
    ...(isThorough ? {} : { segments }),
  });
  const isKey = ({ path }: { path: string }): boolean => path.endsWith("/key");
  return {
    short: findings.filter(({ kind }) => kind !== "not_fully_checked").map(({ detail }) => detail),
    // Without the playlist and the key.
    requests: origin.requests.slice(before).filter((request) => !isKey(request)).length - 1,
  };
}

/** Takes packets off the end of a segment. */
function cut(segments: readonly Buffer[], index: number, packets: number): Buffer[] {
  return segments.map((segment, at) =>
    at === index ? segment.subarray(0, segment.length - packets * PACKET_BYTES) : segment,
  );
}

const even = (count: number): number[] => Array.from({ length: count }, () => 203);
const earlyEnd = (number: number): RegExp =>
  new RegExp(`^Segment ${number} of \\d+ .* ends too early`, "u");

describe("a segment that is cut between two packets", () => {
  test.each(["all", "sample"] as const)("is found by its size and its counters (%s)", async (s) => {
    const { short, requests } = await look({ segments: cut(streamOf(even(10)), 4, 100) }, s);
    expect(short).toEqual([expect.stringMatching(earlyEnd(5))]);
    // Ten, and both ends of the suspect and of two that are sound.
    expect(requests).toBe(10 + 2 * 3);
  });

  test("is found where the segment behind it is not in the sample", async () => {
    const { short } = await look({ segments: cut(streamOf(even(100)), 11, 100) }, "sample");
    expect(short).toEqual([expect.stringMatching(earlyEnd(12))]);
  });

  test("is found when several are", async () => {
    const segments = cut(cut(streamOf(even(30)), 4, 101), 20, 99);
    const { short } = await look({ segments });
    expect(short).toEqual([
      expect.stringMatching(earlyEnd(5)),
      expect.stringMatching(earlyEnd(21)),
    ]);
  });

  test("is found by its padding where it is encrypted", async () => {
    const encrypted = await look({ segments: streamOf(even(6)), isEncrypted: true });
    expect(encrypted).toEqual({ short: [], requests: 6 });
    // 100 packets and a block: as if 1 to 16 bytes of padding followed the last packet.
    const { requests } = origin;
    const path = requests.at(-1)?.path.replace(/[^/]*$/u, "") ?? "";
    const whole = Buffer.from(await (await fetch(`${origin.url}${path}s3.ts`)).arrayBuffer());
    origin.setFile(`${path}s3.ts`, whole.subarray(0, 18_816));
    const { findings } = await indexMedia(client, `${origin.url}${path}index.m3u8`, {
      ...NOTHING_DECLARED,
    });
    expect(findings[0]).toMatchObject({ kind: "corrupt_segment" });
    expect(findings[0]?.detail).toContain("does not end in the padding of AES");
  });
});

describe("a hole in the middle of a segment", () => {
  const at = (index: number): number => index * PACKET_BYTES;
  const [first, second, ...others] = streamOf(even(6));
  const whole = [first, second, ...others].filter((segment) => segment !== undefined);
  const holes: [string, (segment: Buffer) => Buffer, string][] = [
    ["zeros", (segment) => Buffer.from(segment).fill(0, at(100), at(104)), "no TS packet"],
    [
      "packets that are gone",
      (segment) => Buffer.concat([segment.subarray(0, at(100)), segment.subarray(at(103))]),
      "packets are missing",
    ],
  ];

  test.each(holes)("%s: found where every byte is read", async (_name, damage, text) => {
    const segments = whole.map((segment, index) => (index === 2 ? damage(segment) : segment));
    expect((await look({ segments })).short).toEqual([]);
    const { short } = await look({ segments }, undefined, true);
    expect(short).toEqual([expect.stringMatching(new RegExp(`^Segment 3 of 6 .*${text}`, "u"))]);
  });

  test("is none in a sound recording, encrypted or not, all of which is read", async () => {
    for (const isEncrypted of [false, true]) {
      const { short, requests } = await look({ segments: whole, isEncrypted }, undefined, true);
      expect({ short, requests }).toEqual({ short: [], requests: 2 * 6 });
    }
  });
});

describe("what is light is not cut", () => {
  const light = even(20).map((packets, index) => (index % 5 === 3 ? 100 : packets));

  test("segments of a still picture, whose counters go on", async () => {
    const { short, requests } = await look({ segments: streamOf(light) });
    expect(short).toEqual([]);
    expect(requests).toBe(20 + 2 * (4 + 8));
  });

  test("segments of a rate that varies a little are not even looked into", async () => {
    const varying = even(20).map((packets, index) => packets - (index % 3) * 20);
    expect(await look({ segments: streamOf(varying) })).toEqual({ short: [], requests: 20 });
  });

  test("two segments tell no usual rate", async () => {
    expect(await look({ segments: streamOf([50, 203, 203]) })).toEqual({ short: [], requests: 3 });
  });

  test("the same, encrypted", async () => {
    const { short, requests } = await look({ segments: streamOf(light), isEncrypted: true });
    expect({ short, requests }).toEqual({ short: [], requests: 20 + 2 * (4 + 8) });
  });

  test("a muxer that counts anew in each segment is no evidence", async () => {
    expect((await look({ segments: streamOf(light, true) })).short).toEqual([]);
  });

  test("nor is a break that the playlist announces", async () => {
    const segments = cut(streamOf(even(10)), 4, 100);
    expect(await look({ segments, discontinuityAt: 5 })).toEqual({ short: [], requests: 10 });
  });

  test("however many there are, a bounded number is looked into", async () => {
    const many = Array.from({ length: 400 }, (_, index) => (index % 3 === 0 ? 60 : 200));
    const { short, requests } = await look({ segments: streamOf(many) });
    expect({ short, requests }).toEqual({ short: [], requests: 400 + 2 * (8 + 16) });
  });
});
