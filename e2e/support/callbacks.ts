import { callbackId, signature } from "@reelgate/simulator/sign";
import { SAMPLE_BODY } from "@reelgate/testkit/recording-body";
import { KEY } from "./product.ts";

/** One body, as it is sent. */
export interface SignedCallback {
  /** The id that the catalogue keeps it under. */
  id: string;
  text: string;
}

export interface Signing {
  key?: string;
  /** Unix time in seconds; ten minutes from now otherwise. Another one makes another callback of the same fields. */
  t?: number;
}

type Fields = Readonly<Record<string, unknown>>;

/** A URL that the guard refuses as it stands: the recording is `failed` at once, and nothing is sent. */
const FORBIDDEN_URL = "http://192.0.2.1/recording.mp4";

export function inTenMinutes(): number {
  return Math.floor(Date.now() / 1000) + 600;
}

/** A body with `t` and `sign` as the provider makes them. */
export function signed(fields: Fields, signing: Signing = {}): SignedCallback {
  const t = signing.t ?? inTenMinutes();
  return asCallback(JSON.stringify({ ...fields, t, sign: signature(signing.key ?? KEY, t) }));
}

/** Text as it is, with the id that it has as a callback. */
export function asCallback(text: string): SignedCallback {
  return { id: callbackId(Buffer.from(text)), text };
}

/** The specification's sample as a recording of its own, of a file that nobody may fetch. */
export function recordingNamed(name: string, changes: Fields = {}): Fields {
  return {
    ...SAMPLE_BODY,
    stream_id: name,
    channel_id: name,
    file_id: name,
    record_file_id: name,
    file_format: "mp4",
    video_url: FORBIDDEN_URL,
    ...changes,
  };
}

export interface Reply {
  status: number;
  /** The parsed body, or its text when it is no JSON. */
  body: unknown;
  retryAfter: string | null;
}

/** One POST. Rejects when no answer comes. */
export async function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer> | null,
  headers: Readonly<Record<string, string>> = { "content-type": "application/json" },
): Promise<Reply> {
  const response = await fetch(url, { method: "POST", body, headers });
  const text = await response.text();
  return {
    status: response.status,
    body: parsed(text),
    retryAfter: response.headers.get("retry-after"),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Sends all of them, so many at a time, and gives the statuses in the order of the callbacks. */
export async function postAll(
  url: string | ((index: number) => string),
  callbacks: readonly SignedCallback[],
  concurrency = 32,
): Promise<number[]> {
  const statuses: number[] = [];
  const queue = callbacks.entries();
  const send = async (): Promise<void> => {
    for (const [index, callback] of queue) {
      const target = typeof url === "string" ? url : url(index);
      statuses[index] = (await post(target, callback.text)).status;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, send));
  return statuses;
}
