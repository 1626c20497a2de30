import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createReferenceCatalogue } from "./reference-catalogue.ts";
import type { Body, CatalogueFaults, ReferenceCatalogue } from "./reference-catalogue.ts";

export interface ReceiverFaults extends CatalogueFaults {
  /** Instead of the contract's answer: a status, or `hang` for none at all. Null for the contract's. */
  answers?: (requestNumber: number) => number | "hang" | null;
  /** The body of an answer that `answers` makes. */
  answerBody?: string | Buffer;
  /** Takes the callback, and answers 503 all the same. */
  losesAnswer?: (requestNumber: number) => boolean;
  /** Takes what is signed with any key. */
  acceptsForgeries?: boolean;
}

export interface ReferenceReceiver extends AsyncDisposable {
  url: string;
  api: { url: string; user: string; password: string };
  catalogue: ReferenceCatalogue;
  /** Bodies of the callback route in the order of arrival. */
  arrivals: Buffer[];
}

export const KEY = "abcDEF123456";
const USER = "admin";
const PASSWORD = "open sesame";
const MAX_BODY_BYTES = 65_536;

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/** The value of a JSON text, also of one whose embedded quotes are escaped twice as in the specification's sample. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return JSON.parse(text.replaceAll('\\\\"', '\\"'));
  }
}

/** The contract's table of answers, written from the contract alone. */
function answerTo(body: Buffer, faults: ReceiverFaults): [status: number, error: string | null] {
  if (body.length > MAX_BODY_BYTES) return [413, "too_large"];
  let value: unknown;
  try {
    value = readJson(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return [400, "malformed_json"];
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [400, "not_an_object"];
  }
  const { t, sign } = value as { t?: unknown; sign?: unknown };
  if (typeof sign !== "string" || !/^\d+$/u.test(String(t))) {
    return [400, "missing_signature"];
  }
  const expected = createHash("md5")
    .update(KEY + String(t))
    .digest("hex");
  if (sign !== expected && faults.acceptsForgeries !== true) return [401, "bad_signature"];
  return Number(t) < Date.now() / 1000 ? [401, "expired"] : [200, null];
}

function answerApi(url: URL, catalogue: ReferenceCatalogue, faults: ReceiverFaults): unknown {
  const [, , kind, id] = url.pathname.split("/");
  if (kind === "callbacks" && id !== undefined) {
    const callback = catalogue.callbacks.get(id);
    if (callback === undefined || faults.breaksContract !== true) return callback;
    const { outcome: _left, ...rest } = callback;
    return rest;
  }
  if (kind === "recordings" && id !== undefined) {
    const recording = catalogue.recordings.get(id);
    if (recording === undefined) return undefined;
    const callbacks = [...catalogue.callbacks.values()].filter((one) => one.recordingId === id);
    return { ...recording, callbacks, looks: [] };
  }
  if (kind === "recordings") {
    // Pages of two, so that cursors are followed.
    const of = [...catalogue.recordings.values()].filter(
      (recording) => recording.streamId === url.searchParams.get("stream_id"),
    );
    const from = Number(url.searchParams.get("cursor") ?? 0);
    const items = of.slice(from, from + 2);
    return { items, nextCursor: from + 2 < of.length ? String(from + 2) : null };
  }
  if (kind === "stats") {
    return {
      callbacks: {
        total: catalogue.callbacks.size,
        byOutcome: { recorded: 0, duplicate: 0, conflict: 0, invalid: 0, unsupported: 0 },
      },
      recordings: {
        total: catalogue.recordings.size,
        byState: { pending: 0, indexed: 0, stored: 0, failed: 0 },
        withFindings: 0,
      },
      queues: {},
    };
  }
  return undefined;
}

/** A receiver and its API on one port of 127.0.0.1, with a catalogue in memory: the contract without the product. */
export async function startReferenceReceiver(
  faults: ReceiverFaults = {},
): Promise<ReferenceReceiver> {
  const catalogue = createReferenceCatalogue(faults);
  const arrivals: Buffer[] = [];
  const credentials = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString("base64")}`;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    if (url.pathname.startsWith("/api/")) {
      if (request.headers.authorization !== credentials) {
        json(response, 401, { error: "unauthorized" });
        return;
      }
      const value = answerApi(url, catalogue, faults);
      json(response, value === undefined ? 404 : 200, value ?? { error: "not_found" });
      return;
    }
    const body = await readBody(request);
    arrivals.push(body);
    const requestNumber = arrivals.length;
    const instead = faults.answers?.(requestNumber) ?? null;
    if (instead === "hang") return;
    if (instead !== null) {
      response.writeHead(instead).end(faults.answerBody);
      return;
    }
    const [status, error] = answerTo(body, faults);
    if (status === 200) {
      const id = `cb-${createHash("sha256").update(body).digest("hex")}`;
      catalogue.settle(id, readJson(body.toString("utf8")) as Body);
    }
    if (status === 200 && faults.losesAnswer?.(requestNumber) === true) {
      response.writeHead(503).end();
      return;
    }
    json(response, status, error === null ? { code: 0 } : { code: status, error });
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error("failed"));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  const base = `http://127.0.0.1:${address.port}`;
  return {
    url: `${base}/callbacks/css`,
    api: { url: base, user: USER, password: PASSWORD },
    catalogue,
    arrivals,
    [Symbol.asyncDispose]: async () => {
      await catalogue.idle();
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
