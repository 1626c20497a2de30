import { z } from "zod";
import { aboutSchema, bulkRetrySchema, overviewSchema } from "@reelgate/shared/contract/overview";
import type { About, BulkRetry, Overview } from "@reelgate/shared/contract/overview";
import {
  callbackSchema,
  pageSchema,
  recordingSchema,
  recordingWithCallbacksSchema,
  statsSchema,
} from "@reelgate/shared/contract/recording";
import type {
  Callback,
  Page,
  Recording,
  RecordingWithCallbacks,
  Stats,
} from "@reelgate/shared/contract/recording";
import { recordingFilterQuery } from "../filters/recording-filter.ts";
import type { RecordingFilter } from "../filters/recording-filter.ts";
import { request } from "./client.ts";

const recordingPageSchema = pageSchema(recordingSchema);
const callbackPageSchema = pageSchema(callbackSchema);
const retriedSchema = z.object({ id: z.string() });

export interface PageOptions {
  cursor: string | null;
  limit: number;
  signal?: AbortSignal;
}

export function fetchAbout(signal: AbortSignal): Promise<About> {
  return request("/api/about", aboutSchema, { signal });
}

export function fetchOverview(minutes: number, signal: AbortSignal): Promise<Overview> {
  return request(`/api/overview?minutes=${minutes}`, overviewSchema, { signal });
}

export function fetchStats(signal: AbortSignal): Promise<Stats> {
  return request("/api/stats", statsSchema, { signal });
}

export function fetchRecordings(
  filter: RecordingFilter,
  page: PageOptions,
): Promise<Page<Recording>> {
  const query = paged(recordingFilterQuery(filter), page);
  return request(`/api/recordings?${query.toString()}`, recordingPageSchema, withSignal(page));
}

export function fetchRecording(id: string, signal: AbortSignal): Promise<RecordingWithCallbacks> {
  return request(`/api/recordings/${encodeURIComponent(id)}`, recordingWithCallbacksSchema, {
    signal,
  });
}

export async function retryRecording(id: string): Promise<void> {
  await request(`/api/recordings/${encodeURIComponent(id)}/retry`, retriedSchema, {
    method: "POST",
  });
}

/** One page of a retry of everything that a filter lets through; without a condition, of the whole catalogue. */
export function retryRecordings(filter: RecordingFilter, page: PageOptions): Promise<BulkRetry> {
  const query = recordingFilterQuery(filter);
  // The API takes no missing filter for a wish to retry everything.
  if (query.size === 0) query.set("all", "true");
  paged(query, page);
  return request(`/api/recordings/retry?${query.toString()}`, bulkRetrySchema, {
    method: "POST",
    ...withSignal(page),
  });
}

export interface CallbackFilter {
  outcome?: string;
  event_type?: string;
  recording_id?: string;
}

export function fetchCallbacks(filter: CallbackFilter, page: PageOptions): Promise<Page<Callback>> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) query.set(name, String(value));
  return request(
    `/api/callbacks?${paged(query, page).toString()}`,
    callbackPageSchema,
    withSignal(page),
  );
}

export function fetchCallback(id: string, signal: AbortSignal): Promise<Callback> {
  return request(`/api/callbacks/${encodeURIComponent(id)}`, callbackSchema, { signal });
}

function paged(query: URLSearchParams, page: PageOptions): URLSearchParams {
  query.set("limit", String(page.limit));
  if (page.cursor !== null) query.set("cursor", page.cursor);
  return query;
}

const withSignal = ({ signal }: PageOptions): { signal?: AbortSignal } =>
  signal === undefined ? {} : { signal };
