import { gzipSync } from "node:zlib";
import { signature } from "@reelgate/simulator/sign";
import { until } from "@reelgate/testkit/latch";
import { SAMPLE_BODY } from "@reelgate/testkit/recording-body";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openJobs } from "@reelgate/testkit/catalogue-audit";
import { asCallback, inTenMinutes, post, recordingNamed, signed } from "./support/callbacks.ts";
import type { Reply } from "./support/callbacks.ts";
import { KEY, startProduct } from "./support/product.ts";
import type { Ingress, Product } from "./support/product.ts";
import { openConnection, statuses } from "./support/raw-http.ts";
import type { RawConnection } from "./support/raw-http.ts";

const opened = new AsyncDisposableStack();
let product: Product;
let ingress: Ingress;
/** Callbacks that were answered 200: the only ones that may be in the queue in the end. */
const accepted = new Set<string>();
/** Clients that stay for as long as they are let, while everything else goes on. */
let slow: RawConnection[];
const trickles: NodeJS.Timeout[] = [];

beforeAll(async () => {
  product = opened.use(await startProduct());
  ingress = await product.startIngress();
  slow = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const connection = opened.use(await openConnection(ingress.port));
      connection.write(
        index % 2 === 0
          ? "POST /callbacks/css HTTP/1.1\r\nHost: e2e\r\nX-Slow: "
          : 'POST /callbacks/css HTTP/1.1\r\nHost: e2e\r\nContent-Length: 5000\r\n\r\n{"a":"',
      );
      trickles.push(setInterval(() => connection.write("x"), 500));
      return connection;
    }),
  );
});
afterAll(async () => {
  for (const trickle of trickles) clearInterval(trickle);
  await opened.disposeAsync();
});

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** A true callback is taken now. */
async function expectServing(): Promise<void> {
  const callback = signed(recordingNamed(`true-${accepted.size}`));
  expect(await post(ingress.callbackUrl, callback.text)).toEqual({
    status: 200,
    body: { code: 0 },
    retryAfter: null,
  });
  accepted.add(callback.id);
}

const refusal = (status: number, error: string): Reply => ({
  status,
  body: { code: status, error },
  retryAfter: null,
});

describe("bodies", () => {
  const t = inTenMinutes();
  const sign = signature(KEY, t);
  const deep = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
  const good = JSON.stringify({ ...SAMPLE_BODY, t, sign });
  type Body = string | Uint8Array<ArrayBuffer> | null;

  test.each<[what: string, body: Body, headers?: Record<string, string>]>([
    ["none", null],
    ["empty", ""],
    ["blank", " \r\n\t "],
    ["cut off", good.slice(0, -1)],
    ["two of them", good + good],
    ["with a comma too much", `${good.slice(0, -1)},}`],
    ["with single quotes", good.replaceAll('"', "'")],
    [
      "a form",
      "event_type=100&t=1&sign=x",
      { "content-type": "application/x-www-form-urlencoded" },
    ],
    [
      "a file upload",
      "--x\r\n\r\n{}\r\n--x--",
      { "content-type": "multipart/form-data; boundary=x" },
    ],
    ["after a byte order mark", `\ufeff${good}`],
    ["in UTF-16", new Uint8Array(Buffer.from(good, "utf16le"))],
    [
      "invalid UTF-8 in a value",
      new Uint8Array(Buffer.from(good.replace("yourapp", "\xff"), "latin1")),
    ],
    ["an overlong UTF-8 form", new Uint8Array([0x7b, 0xc0, 0xa2, 0x7d])],
    ["a surrogate in UTF-8", new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ["zero bytes", new Uint8Array(100)],
    ["a control character in a value", good.replace("yourapp", "\u0001")],
    ["NaN", `{"t":NaN,"sign":"${sign}"}`],
    ["a number with a leading zero", `{"t":0${t},"sign":"${sign}"}`],
    ["nested 65 deep", `{"a":${deep(64)},"t":${t},"sign":"${sign}"}`],
    ["nested 30,000 deep", deep(30_000)],
    ["opened 60,000 times", "[".repeat(60_000)],
    ["with t twice", `{"t":${t},"sign":"${sign}","t":1}`],
    ["with an escaped t twice", `{"t":${t},"sign":"${sign}","\\u0074":1}`],
    ["with a __proto__", `{"__proto__":{"t":${t},"sign":"${sign}"}}`],
    ["with a __proto__ further down", `{"t":${t},"sign":"${sign}","a":[{"__proto__":{}}]}`],
    ["compressed, and not said to be", new Uint8Array(gzipSync(good))],
    ["compressed: gzip", new Uint8Array(gzipSync(good)), { "content-encoding": "gzip" }],
    ["said to be compressed: br", good, { "content-encoding": "br" }],
  ])("400 malformed_json: %s", async (_what, body, headers) => {
    expect(await post(ingress.callbackUrl, body, headers)).toEqual(refusal(400, "malformed_json"));
  });

  test.each(["null", "true", "1", '"text"', "[]", `[${good}]`, '["t","sign"]'])(
    "400 not_an_object: %s",
    async (body) => {
      expect(await post(ingress.callbackUrl, body)).toEqual(refusal(400, "not_an_object"));
    },
  );

  const withT = (json: string): string => `{"t":${json},"sign":"${sign}"}`;
  const withSign = (json: string): string => `{"t":${t},"sign":${json}}`;
  test.each([
    "{}",
    `{"t":${t}}`,
    `{"sign":"${sign}"}`,
    `{"T":${t},"SIGN":"${sign}"}`,
    `{"constructor":1,"toString":2}`,
    `{"data":{"t":${t},"sign":"${sign}"}}`,
    ...["null", "true", "[]", `[${t}]`, "{}", '""', '" "', `" ${t}"`, `"+${t}"`, '"0x5f"'].map(
      withT,
    ),
    ...["1.5", "-1", "1e30", "1e400", '"1e9"', '"٣"', `"${"9".repeat(60_000)}"`].map(withT),
    ...["null", "true", "0", "[]", `["${sign}"]`, "{}", '""'].map(withSign),
  ])("400 missing_signature: %s", async (body) => {
    expect(await post(ingress.callbackUrl, body)).toEqual(refusal(400, "missing_signature"));
  });

  test.each([
    ["short", sign.slice(0, -1)],
    ["long", `${sign}0`],
    ["in capitals", sign.toUpperCase()],
    ["of no hexadecimal digits", "g".repeat(32)],
    ["of wide characters", "\u{1f600}".repeat(16)],
    ["of another t", signature(KEY, t + 1)],
    ["of another key", signature("another", t)],
    ["of the key alone", signature(KEY, 0).replace(/^./u, "0")],
    ["very long", "a".repeat(60_000)],
  ])("401 bad_signature: a sign %s", async (_what, wrong) => {
    const reply = await post(ingress.callbackUrl, JSON.stringify({ t, sign: wrong }));
    expect(reply).toEqual(refusal(401, "bad_signature"));
  });

  test.each([0, 1, 1_545_030_873, t - 601, `${t - 601}`, `0${t - 601}`])(
    "401 expired: t is %j",
    async (past) => {
      const stale = { ...SAMPLE_BODY, t: past, sign: signatureOfText(String(past)) };
      expect(await post(ingress.callbackUrl, JSON.stringify(stale))).toEqual(
        refusal(401, "expired"),
      );
    },
  );
  // The simulator signs numbers; a receiver hashes the text of `t` as it stands.
  const signatureOfText = (text: string): string =>
    signature(`${KEY}${text.slice(0, -1)}`, Number(text.at(-1)));

  test("413 too_large: from one byte too much on, however it is sent", async () => {
    const { text } = signed(recordingNamed("large"));
    const fits = text + " ".repeat(65_536 - text.length);
    expect(await post(ingress.callbackUrl, `${fits} `)).toEqual(refusal(413, "too_large"));
    const megabyte = signed(recordingNamed("larger", { padding: "x".repeat(1_048_576) }));
    expect(await post(ingress.callbackUrl, megabyte.text)).toEqual(refusal(413, "too_large"));
    const compressed = new Uint8Array(gzipSync(megabyte.text));
    expect(compressed.length).toBeLessThan(65_536);
    expect(await post(ingress.callbackUrl, compressed, { "content-encoding": "gzip" })).toEqual(
      refusal(400, "malformed_json"),
    );
    await using chunked = await openConnection(ingress.port);
    chunked.write(HEAD("Transfer-Encoding: chunked"));
    chunked.write(`${megabyte.text.length.toString(16)}\r\n${megabyte.text}\r\n0\r\n\r\n`);
    expect(await chunked.untilReceived('"error":"too_large"}')).toContain("HTTP/1.1 413 ");
  });

  test("whatever the body is, the answer is one of the table", async () => {
    const table = new Set([
      '200 {"code":0}',
      ...["malformed_json", "not_an_object", "missing_signature"].map(
        (error) => `400 {"code":400,"error":"${error}"}`,
      ),
      ...["bad_signature", "expired"].map((error) => `401 {"code":401,"error":"${error}"}`),
    ]);
    const goodBytes = bytes(good);
    const damaged = fc
      .array(fc.tuple(fc.nat(goodBytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 })
      .map((changes) => {
        const copy = Uint8Array.from(goodBytes);
        for (const [at, value] of changes) copy[at] = value;
        return copy;
      });
    const fields = fc
      .record({ t: fc.oneof(fc.jsonValue(), fc.constant(t)), sign: fc.jsonValue() })
      .map((value) => bytes(JSON.stringify(value)));
    const body = fc.oneof(
      damaged,
      fields,
      fc.uint8Array({ maxLength: 300 }).map((value) => Uint8Array.from(value)),
      fc.json().map(bytes),
    );
    await fc.assert(
      fc.asyncProperty(body, async (content) => {
        const { status, body: answer } = await post(ingress.callbackUrl, content);
        // Damage outside `t` and `sign` leaves a callback that is rightly signed.
        if (status === 200) accepted.add(asCallback(new TextDecoder().decode(content)).id);
        expect(table).toContain(`${status} ${JSON.stringify(answer)}`);
      }),
      { numRuns: 300 },
    );
  });
});

const HEAD = (...headers: string[]): string =>
  ["POST /callbacks/css HTTP/1.1", "Host: e2e", ...headers, "", ""].join("\r\n");

describe("requests", () => {
  test.each([
    "/",
    "/callbacks",
    "/callbacks/css/",
    "/callbacks/css/x",
    "/callbacks/CSS",
    "/Callbacks/css",
    "//callbacks/css",
    "/callbacks//css",
    "/callbacks/css%2F",
    "/callbacks/css%00",
    "/callbacks/./css",
    "/x/../callbacks/css",
    "/callbacks/css;a=1",
    "/%",
    "/%ff",
    "/..%2f..%2fetc/passwd",
    "/queues",
    "/api/recordings",
    "/metrics",
  ])("404 not_found: POST %s", async (path) => {
    await using connection = await openConnection(ingress.port);
    connection.write(`POST ${path} HTTP/1.1\r\nHost: e2e\r\nContent-Length: 2\r\n\r\n{}`);
    expect(await connection.untilReceived('{"code":404,"error":"not_found"}')).toMatch(
      /^HTTP\/1\.1 404 /u,
    );
  });

  test.each(["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "M-SEARCH"])(
    "405 method_not_allowed: %s",
    async (method) => {
      await using connection = await openConnection(ingress.port);
      connection.write(`${method} /callbacks/css HTTP/1.1\r\nHost: e2e\r\n\r\n`);
      const answer = await connection.untilReceived("\r\n\r\n");
      expect(answer).toMatch(/^HTTP\/1\.1 405 /u);
      expect(answer).toMatch(/^allow: POST\r$/imu);
    },
  );

  const LARGE = "x".repeat(20_000);
  test.each<[what: string, status: number, request: string]>([
    ["no HTTP", 400, "\0\x01\x02garbage\r\n\r\n"],
    ["a TLS client", 400, "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"],
    ["HTTP/0.9", 400, "POST /callbacks/css\r\n\r\n"],
    ["another protocol", 400, "EHLO e2e\r\n\r\n"],
    ["no Host", 400, "POST /callbacks/css HTTP/1.1\r\n\r\n"],
    ["two lengths", 400, `${HEAD("Content-Length: 2", "Content-Length: 3")}{}`],
    ["a length and chunks", 400, `${HEAD("Content-Length: 2", "Transfer-Encoding: chunked")}{}`],
    ["a negative length", 400, HEAD("Content-Length: -1")],
    ["an endless length", 400, HEAD(`Content-Length: ${"9".repeat(40)}`)],
    ["a length in hexadecimal", 400, HEAD("Content-Length: 0x2")],
    ["a chunk without a size", 400, `${HEAD("Transfer-Encoding: chunked")}size\r\n{}\r\n`],
    ["a header without a name", 400, HEAD(": x")],
    ["a zero byte in a header", 400, HEAD("X-A: \0")],
    ["a header folded in two", 400, HEAD("X-A: a\r\n b")],
    ["a large header", 431, HEAD(`X-A: ${LARGE}`)],
    ["a flood of headers", 431, HEAD(...Array.from({ length: 3000 }, (_, at) => `X-${at}: x`))],
    ["a long address", 431, `POST /${LARGE} HTTP/1.1\r\nHost: e2e\r\n\r\n`],
    ["an unknown expectation", 417, HEAD("Expect: the-spanish-inquisition", "Content-Length: 2")],
  ])("%s: %i", async (_what, status, request) => {
    await using connection = await openConnection(ingress.port);
    connection.write(Buffer.from(request, "latin1"));
    await connection.untilReceived("\r\n\r\n");
    expect(statuses(connection.received())).toEqual([status]);
  });

  test("garbage after a true callback changes nothing of it", async () => {
    const callback = signed(recordingNamed("pipelined"));
    await using connection = await openConnection(ingress.port);
    const request = HEAD(`Content-Length: ${callback.text.length}`) + callback.text;
    connection.write(request + request);
    await until(() => statuses(connection.received()).length === 2, { what: "both answers" });
    accepted.add(callback.id);
    connection.write("garbage\r\n\r\n");
    expect(statuses(await connection.untilClosed())).toEqual([200, 200, 400]);
  });

  test("clients that leave in the middle are no harm", async () => {
    const { text } = signed(recordingNamed("left"));
    for (const at of [1, 100, text.length - 1]) {
      await using connection = await openConnection(ingress.port);
      connection.write(HEAD(`Content-Length: ${text.length}`) + text.slice(0, at));
      connection.socket.resetAndDestroy();
    }
    await using half = await openConnection(ingress.port);
    half.write(HEAD(`Content-Length: ${text.length}`) + text.slice(0, 10));
    half.end();
    expect(statuses(await half.untilClosed()).filter((status) => status >= 500)).toEqual([]);
    await expectServing();
  });
});

describe("after all of that", () => {
  test("those who send a byte now and then were cut off, and held up nobody", async () => {
    await expectServing();
    const answers = await Promise.all(slow.map((connection) => connection.untilClosed(30_000)));
    expect(new Set(answers.map((answer) => JSON.stringify(statuses(answer))))).toEqual(
      new Set(["[408]"]),
    );
  });

  test("the process is the same, has logged no error, and has queued what it accepted", async () => {
    await expectServing();
    const exited = await Promise.race([ingress.exited, fetch(`${ingress.url}/healthz`)]);
    expect(exited).toMatchObject({ status: 200 });
    expect(ingress.log.lines.filter(({ level }) => level >= 50)).toEqual([]);
    expect(ingress.log.withMessage("ingress listening")).toHaveLength(1);
    expect(ingress.plainLines).toEqual([]);
    const metrics = await (await fetch(`${ingress.opsUrl}/metrics`)).text();
    const counted = [
      ...metrics.matchAll(/^reelgate_ingress_answers_total\{answer="(\w+)".*\} [1-9]/gmu),
    ];
    expect(new Set(counted.map(([, answer]) => answer))).toEqual(
      new Set([
        "accepted",
        "bad_signature",
        "expired",
        "malformed_json",
        "method_not_allowed",
        "missing_signature",
        "not_an_object",
        "too_large",
      ]),
    );
    expect(/^reelgate_ingress_in_flight\{.*\} (\d+)$/mu.exec(metrics)?.[1]).toBe("0");
    expect(await openJobs(product.redis.url, "callbacks")).toMatchObject({
      waiting: accepted.size,
    });
  });
});
