import {
  callbackSchema,
  pageSchema,
  recordingSchema,
  recordingWithCallbacksSchema,
  statsSchema,
} from "@reelgate/shared/contract/recording";
import type {
  Callback,
  Recording,
  RecordingWithCallbacks,
  Stats,
} from "@reelgate/shared/contract/recording";
import { Agent, request } from "undici";
import type { z } from "zod";

/** An answer of the API with the text that it came in, in which secrets are looked for. */
export interface Shown<T> {
  value: T;
  text: string;
}

/** The catalogue as the dashboard's API shows it. Every method rejects with an {@link ApiError}. */
export interface ApiClient {
  /** Null when no callback has this id. */
  callback(id: string): Promise<Shown<Callback> | null>;
  recording(id: string): Promise<Shown<RecordingWithCallbacks> | null>;
  /** All recordings of a stream, over all pages. */
  recordingsOfStream(streamId: string): Promise<Recording[]>;
  stats(): Promise<Stats>;
  close(): Promise<void>;
}

export interface ApiTarget {
  /** The dashboard's address, such as `http://127.0.0.1:3000`. */
  url: string;
  user: string;
  password: string;
}

/** `refused` (user or password) and `unreadable` do not heal with time; `unavailable` may. */
export class ApiError extends Error {
  override readonly name: string = "ApiError";
  readonly kind: "unavailable" | "refused" | "unreadable";

  constructor(kind: "unavailable" | "refused" | "unreadable", message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

const TIMEOUT_MS = 10_000;
const PAGE_LIMIT = 100;
/** A stream of a plan has a handful of recordings; a cursor that never ends must not keep the reader for ever. */
const MAX_PAGES = 20;

const reason = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return error.message || code || error.name;
};

export function createApiClient(target: ApiTarget): ApiClient {
  const agent = new Agent({ connections: 32, pipelining: 1 });
  const base = target.url.replace(/\/+$/u, "");
  const authorization = `Basic ${Buffer.from(`${target.user}:${target.password}`).toString("base64")}`;

  const get = async <T>(path: string, schema: z.ZodType<T>): Promise<Shown<T> | null> => {
    let status: number;
    let text: string;
    try {
      const response = await request(`${base}${path}`, {
        dispatcher: agent,
        headers: { authorization, accept: "application/json" },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      status = response.statusCode;
      text = await response.body.text();
    } catch (error) {
      throw new ApiError("unavailable", `no answer from ${base}${path}: ${reason(error)}`, error);
    }
    if (status === 404) return null;
    if (status === 401 || status === 403) {
      throw new ApiError("refused", `${base} refuses the user or password (${status})`);
    }
    if (status !== 200) throw new ApiError("unavailable", `${base}${path} answered ${status}`);
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      throw new ApiError("unreadable", `${base}${path} answered no JSON`, error);
    }
    const parsed = schema.safeParse(json);
    if (!parsed.success) {
      const problems = parsed.error.issues
        .slice(0, 3)
        .map((issue) => `${issue.path.join(".")}: ${issue.message}`);
      throw new ApiError(
        "unreadable",
        `${base}${path} breaks the API contract: ${problems.join("; ")}`,
      );
    }
    return { value: parsed.data, text };
  };

  return {
    callback: (id) => get(`/api/callbacks/${id}`, callbackSchema),
    recording: (id) =>
      get(`/api/recordings/${encodeURIComponent(id)}`, recordingWithCallbacksSchema),
    recordingsOfStream: async (streamId) => {
      const found: Recording[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const query = new URLSearchParams({ stream_id: streamId, limit: String(PAGE_LIMIT) });
        if (cursor !== null) query.set("cursor", cursor);
        const answer = await get(
          `/api/recordings?${query.toString()}`,
          pageSchema(recordingSchema),
        );
        if (answer === null) throw new ApiError("unreadable", `${base} has no /api/recordings`);
        found.push(...answer.value.items);
        cursor = answer.value.nextCursor;
        if (cursor === null) return found;
      }
      throw new ApiError("unreadable", `${base} gives more than ${MAX_PAGES} pages for one stream`);
    },
    stats: async () => {
      const answer = await get("/api/stats", statsSchema);
      if (answer === null) throw new ApiError("unreadable", `${base} has no /api/stats`);
      return answer.value;
    },
    close: () => agent.destroy(),
  };
}
