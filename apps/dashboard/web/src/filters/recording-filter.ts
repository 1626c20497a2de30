import { FILE_FORMATS, FINDING_KINDS } from "@reelgate/shared/contract/media";
import type { FileFormat, FindingKind } from "@reelgate/shared/contract/media";
import { RECORDING_STATES } from "@reelgate/shared/contract/recording";
import type { RecordingState } from "@reelgate/shared/contract/recording";
import { localTime } from "../format/times.ts";
import { FINDING_WORDS } from "../findings/finding-words.ts";

/** What the list of recordings shows; the same names and values as in the query of the API. */
export interface RecordingFilter {
  q?: string;
  stream_id?: string;
  app?: string;
  appname?: string;
  task_id?: string;
  state?: RecordingState;
  format?: FileFormat;
  finding?: FindingKind | "any";
  /** Start of the recording, ISO 8601. */
  from?: string;
  to?: string;
}

const FREE_TEXT = ["q", "stream_id", "app", "appname", "task_id"] as const;
const FINDINGS = ["any", ...FINDING_KINDS] as const;

/** The API refuses longer values. */
const MAX_TEXT_CHARS = 512;

/** The filter that an address names. What is no filter, or has no value that it may have, is left out. */
export function readRecordingFilter(search: string): RecordingFilter {
  const query = new URLSearchParams(search);
  const filter: RecordingFilter = {};
  for (const name of FREE_TEXT) {
    const value = query.get(name)?.replaceAll("\0", "").slice(0, MAX_TEXT_CHARS) ?? "";
    if (value !== "") filter[name] = value;
  }
  const state = choice(RECORDING_STATES, query.get("state"));
  if (state !== undefined) filter.state = state;
  const format = choice(FILE_FORMATS, query.get("format"));
  if (format !== undefined) filter.format = format;
  const finding = choice(FINDINGS, query.get("finding"));
  if (finding !== undefined) filter.finding = finding;
  for (const name of ["from", "to"] as const) {
    const time = isoTime(query.get(name));
    if (time !== undefined) filter[name] = time;
  }
  return filter;
}

function choice<T extends string>(values: readonly T[], value: string | null): T | undefined {
  return values.find((candidate) => candidate === value);
}

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/u;

function isoTime(value: string | null): string | undefined {
  if (value === null || value.length > 40 || !ISO_TIME.test(value)) return undefined;
  const date = new Date(value);
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 1 || date.getUTCFullYear() > 9999) {
    return undefined;
  }
  return date.toISOString();
}

const ORDER = [...FREE_TEXT, "state", "format", "finding", "from", "to"] as const;

/** The query of a filter, in one order: equal filters have equal addresses. */
export function recordingFilterQuery(filter: RecordingFilter): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of ORDER) {
    const value = filter[name];
    if (value !== undefined && value !== "") query.set(name, value);
  }
  return query;
}

/** The address of the recordings that a filter shows. */
export function recordingsPath(filter: RecordingFilter = {}): string {
  const query = recordingFilterQuery(filter).toString();
  return query === "" ? "/recordings" : `/recordings?${query}`;
}

/** Each condition in words; empty for a filter that lets everything through. */
export function describeRecordingFilter(filter: RecordingFilter): string[] {
  const words: string[] = [];
  if (filter.q !== undefined) words.push(`with the identifier “${filter.q}”`);
  if (filter.stream_id !== undefined) words.push(`of the stream “${filter.stream_id}”`);
  if (filter.app !== undefined) words.push(`of the domain “${filter.app}”`);
  if (filter.appname !== undefined) words.push(`of the application “${filter.appname}”`);
  if (filter.task_id !== undefined) words.push(`of the task “${filter.task_id}”`);
  if (filter.state !== undefined) words.push(`that are ${filter.state}`);
  if (filter.format !== undefined) words.push(`in ${filter.format.toUpperCase()}`);
  if (filter.finding === "any") words.push("with a finding");
  else if (filter.finding !== undefined)
    words.push(`with the finding “${FINDING_WORDS[filter.finding].title}”`);
  if (filter.from !== undefined) words.push(`that started at ${localTime(filter.from)} or later`);
  if (filter.to !== undefined) words.push(`that started before ${localTime(filter.to)}`);
  return words;
}
