import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import { ingest } from "./ingest.ts";
import type { IngestOptions } from "./ingest.ts";
import { answerTo } from "./outcome.ts";
import type { Outcome } from "./outcome.ts";
import type { EnqueueResult } from "./ports.ts";

const KEY = "testKey";
const NOW_S = 1_700_000_000;

interface Fixture {
  options: IngestOptions;
  jobs: Map<string, CallbackJob>;
  send: (body: string | Buffer, changes?: Partial<IngestOptions>) => Promise<Outcome>;
}

function fixture(nowMs: number = NOW_S * 1000): Fixture {
  const jobs = new Map<string, CallbackJob>();
  const options: IngestOptions = {
    keys: [KEY],
    graceS: 0,
    clock: { nowMs: () => nowMs },
    queue: {
      enqueue(jobId, job): Promise<EnqueueResult> {
        jobs.set(jobId, job);
        return Promise.resolve({ stored: true });
      },
    },
  };
  return {
    options,
    jobs,
    send: (body, changes = {}) =>
      ingest(
        { body: Buffer.from(body), requestId: "r-1", remoteAddress: "192.0.2.7" },
        { ...options, ...changes },
      ),
  };
}

function sign(t: number | string, key: string = KEY): string {
  return createHash("md5").update(`${key}${t}`).digest("hex");
}

function signed(t: number | string = NOW_S + 600, fields: object = {}): string {
  return JSON.stringify({ event_type: 100, ...fields, t, sign: sign(t) });
}

test("an accepted callback is queued exactly as it came", async () => {
  const { send, jobs } = fixture(NOW_S * 1000 + 123);
  const body = ` ${signed(NOW_S + 600, { stream_id: "流", file_id: 5 })}\n`;
  const outcome = await send(body);
  const jobId = `cb-${createHash("sha256").update(body).digest("hex")}`;
  expect(outcome).toEqual({ kind: "accepted", jobId, keyIndex: 0 });
  expect([...jobs]).toEqual([
    [
      jobId,
      {
        body,
        receivedAtMs: NOW_S * 1000 + 123,
        requestId: "r-1",
        remoteAddress: "192.0.2.7",
        keyIndex: 0,
      },
    ],
  ]);
});

test("events of any type are taken: what they mean is none of the ingress's business", async () => {
  const { send } = fixture();
  for (const event_type of [0, 1, 200, 332, "new", null]) {
    expect(await send(signed(undefined, { event_type }))).toMatchObject({ kind: "accepted" });
  }
});

test("the same bytes are the same job, other bytes another", async () => {
  const { send, jobs } = fixture();
  await send(signed(NOW_S + 600));
  await send(signed(NOW_S + 600));
  expect(jobs.size).toBe(1);
  await send(signed(NOW_S + 601));
  expect(jobs.size).toBe(2);
});

test("the second key is told by its index", async () => {
  const { send } = fixture();
  expect(await send(signed(), { keys: ["newKey", KEY] })).toMatchObject({ keyIndex: 1 });
});

test("without keys nothing of `t` and `sign` is looked at", async () => {
  const { send } = fixture();
  expect(await send('{"event_type":100,"t":1,"sign":"x"}', { keys: [] })).toMatchObject({
    kind: "accepted",
    keyIndex: null,
  });
});

test.each([
  ["at `t` itself", 0, 0, "accepted"],
  ["in the second of `t`", 999, 0, "accepted"],
  ["a second after `t`", 1000, 0, "expired"],
  ["at the end of the grace", 60_000, 60, "accepted"],
  ["a second after the grace", 61_000, 60, "expired"],
])("%s a callback is %4$s", async (_when, lateMs, graceS, kind) => {
  const { send, jobs } = fixture(NOW_S * 1000 + lateMs);
  expect(await send(signed(NOW_S), { graceS })).toMatchObject({ kind });
  expect(jobs.size).toBe(kind === "accepted" ? 1 : 0);
});

test("an expired signature of a wrong key is a bad signature: only the provider learns about time", async () => {
  const { send } = fixture();
  const body = JSON.stringify({ t: NOW_S - 5000, sign: sign(NOW_S - 5000, "wrong") });
  expect(await send(body)).toMatchObject({ kind: "bad_signature" });
});

test("what the queue cannot store is not accepted", async () => {
  const { send } = fixture();
  const queue = {
    enqueue: () => Promise.resolve({ stored: false, reason: "Redis is away" } as const),
  };
  expect(await send(signed(), { queue })).toEqual({
    kind: "queue_unavailable",
    detail: "Redis is away",
  });
});

test.each([
  ["nothing", ""],
  ["blanks", "  \n"],
  ["a cut object", signed().slice(0, -1)],
  ["two objects", `${signed()}${signed()}`],
  ["a byte order mark", `\u{feff}${signed()}`],
  ["form data", "event_type=100&t=1"],
  ["deep nesting", `{"a":${"[".repeat(100)}${"]".repeat(100)}}`],
  ["very deep nesting", "[".repeat(60_000)],
  ["a __proto__ key", '{"__proto__":{"t":1}}'],
  ["a nested __proto__ key", '{"a":{"__proto__":{}}}'],
  ["an escaped __proto__ key", '{"__prot\\u006f__":{}}'],
  ["a key that stands twice", '{"t":1,"t":2}'],
  ["a key that stands twice, once escaped", '{"t":1,"\\u0074":2}'],
  ["NaN", '{"t":NaN}'],
  ["invalid UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ["overlong UTF-8", Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
  ["a UTF-8 surrogate", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ["UTF-16", Buffer.from(signed(), "utf16le")],
])("%s is malformed JSON", async (_what, body) => {
  const { send, jobs } = fixture();
  expect(await send(body)).toMatchObject({ kind: "malformed_json" });
  expect(jobs.size).toBe(0);
});

test.each(["null", "[]", '[{"t":1}]', '"text"', "5", "true"])(
  "%s is not an object",
  async (body) => {
    const { send } = fixture();
    expect(await send(body)).toMatchObject({ kind: "not_an_object" });
  },
);

test("no refusal repeats anything of the body", async () => {
  const { send } = fixture();
  const secret = "txSecret-77ab";
  for (const body of [
    `{"${secret}":1,"${secret}":2}`,
    `{"${secret}"`,
    JSON.stringify({ t: secret, sign: secret }),
    JSON.stringify({ t: 1, sign: sign(1), stream_param: secret }),
  ]) {
    const outcome = await send(body);
    expect(outcome.kind).not.toBe("accepted");
    expect(JSON.stringify(outcome)).not.toContain(secret);
  }
});

const anything = fc.anything({ withNullPrototype: true, maxDepth: 5 });
const anyField = fc.oneof(anything, fc.jsonValue(), fc.integer(), fc.string());

test("property: any bytes get a 4xx of the table", async () => {
  const { send } = fixture();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      const { status } = answerTo((await send(Buffer.from(bytes))).kind);
      expect([400, 401]).toContain(status);
    }),
    { numRuns: 2000 },
  );
});

test("property: any JSON with any `t` and `sign` gets a 4xx of the table", async () => {
  const { send, jobs } = fixture();
  const body = fc
    .record({ t: anyField, sign: anyField, rest: fc.jsonValue() }, { requiredKeys: [] })
    .map((fields) => json(fields));
  await fc.assert(
    fc.asyncProperty(fc.oneof(body, fc.json({ maxDepth: 80 })), async (text) => {
      const { status } = answerTo((await send(text)).kind);
      expect([400, 401]).toContain(status);
    }),
    { numRuns: 3000 },
  );
  expect(jobs.size).toBe(0);
});

test("property: a signed callback survives whatever else is in it", async () => {
  const { send, jobs } = fixture();
  const field = fc.string().filter((name) => !["t", "sign", "__proto__"].includes(name));
  await fc.assert(
    fc.asyncProperty(fc.dictionary(field, fc.string(), { maxKeys: 8 }), async (fields) => {
      const body = signed(NOW_S + 600, fields);
      expect(await send(body)).toMatchObject({ kind: "accepted" });
      expect([...jobs.values()].at(-1)?.body).toBe(body);
      jobs.clear();
    }),
    { numRuns: 500 },
  );
});

/** JSON of values that JSON may not know: bigints, symbols, functions. */
function json(value: unknown): string {
  return (
    JSON.stringify(value, (_key, item: unknown) =>
      typeof item === "bigint" ? Number(item) : item,
    ) ?? "null"
  );
}
