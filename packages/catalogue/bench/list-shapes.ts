import type { RecordingFilter } from "../src/list-query.ts";
import { fileIdOf, startOf, streamsOf, taskOf } from "./fill.ts";

/** One way in which a list is asked for, over the recordings of `fill.ts`. */
export interface ListShape {
  name: string;
  /** The filter of the n-th page that is asked for: its values change from page to page where they can. */
  filter: (n: number) => RecordingFilter;
  /** The index that the keys of the page must come from. For a search, that of the stream id. */
  index: string;
  /** The rows are checked one by one, a bounded number of them, for no index has this filter. */
  isChecked?: boolean;
}

const app = (n: number): string =>
  ["push.example.com", "push2.example.com", "test.example.com"][n % 3] ?? "";
const appname = (n: number): string => ["live", "event", "drill"][n % 3] ?? "";
const format = (n: number): "hls" | "mp4" | "flv" =>
  (["hls", "mp4", "flv"] as const)[n % 3] ?? "hls";
const BUSY = "channel-0";

/** The shapes for a table that `fillRecordings` has given so many rows. */
export function listShapes(rows: number): ListShape[] {
  /** A row of the table, by its number from 1: 7919 is prime, so that the numbers are spread. */
  const row = (n: number): number => 1 + ((n * 7919 * 31) % rows);
  /** The busy stream, some with hundreds of recordings, and small ones. */
  const stream = (n: number): string =>
    `channel-${[0, (n * 7) % 500, row(n) % streamsOf(rows)][n % 3] ?? 0}`;
  const time = (n: number): string => startOf(row(n));
  return [
    { name: "all", filter: () => ({}), index: "recordings_by_time" },
    {
      name: "from, to",
      filter: (n) => ({ from: startOf(Math.floor(row(n) / 2)), to: time(n) }),
      index: "recordings_by_time",
    },
    {
      name: "stream",
      filter: (n) => ({ streamId: stream(n) }),
      index: "recordings_by_stream_id_format",
    },
    { name: "app", filter: (n) => ({ app: app(n) }), index: "recordings_by_app_format" },
    {
      name: "appname",
      filter: (n) => ({ appname: appname(n) }),
      index: "recordings_by_appname_format",
    },
    { name: "state failed", filter: () => ({ state: "failed" }), index: "recordings_by_state" },
    { name: "state indexed", filter: () => ({ state: "indexed" }), index: "recordings_by_state" },
    {
      name: "state stored (none)",
      filter: () => ({ state: "stored" }),
      index: "recordings_by_state",
    },
    {
      name: "state pending",
      filter: () => ({ state: "pending" }),
      index: "recordings_pending_by_time",
    },
    { name: "format", filter: (n) => ({ format: format(n) }), index: "recordings_by_format" },
    {
      name: "format aac (1 in 10,000)",
      filter: () => ({ format: "aac" }),
      index: "recordings_by_format",
    },
    {
      name: "any finding (1 in 200)",
      filter: () => ({ finding: "any" }),
      index: "recordings_with_findings",
    },
    {
      name: "any finding + from, to",
      filter: (n) => ({ finding: "any", from: startOf(Math.floor(row(n) / 2)), to: time(n) }),
      index: "recordings_with_findings",
    },
    {
      name: "task",
      filter: (n) => ({ taskId: taskOf(row(n)) }),
      index: "recordings_by_task_id",
    },
    {
      name: "task that is not there",
      filter: () => ({ taskId: "no-task" }),
      index: "recordings_by_task_id",
    },
    {
      name: "stream + state",
      filter: (n) => ({ streamId: stream(n), state: "failed" }),
      index: "recordings_by_stream_id_state",
    },
    {
      name: "stream + state stored (none)",
      filter: () => ({ streamId: BUSY, state: "stored" }),
      index: "recordings_by_stream_id_state",
    },
    {
      name: "stream + format aac (none in it)",
      filter: () => ({ streamId: BUSY, format: "aac" }),
      index: "recordings_by_stream_id_format",
    },
    {
      name: "stream + state + format",
      filter: (n) => ({ streamId: stream(n), state: "failed", format: format(n) }),
      index: "recordings_by_stream_id_state",
    },
    {
      name: "stream + from, to",
      filter: (n) => ({ streamId: stream(n), from: startOf(1), to: time(n) }),
      index: "recordings_by_stream_id_format",
    },
    {
      name: "app + appname",
      filter: (n) => ({ app: app(n), appname: appname(n + Math.floor(n / 3)) }),
      index: "recordings_by_app_appname_format",
    },
    {
      name: "app + appname + state",
      filter: (n) => ({ app: app(n), appname: appname(n + Math.floor(n / 3)), state: "failed" }),
      index: "recordings_by_app_appname_state",
    },
    {
      name: "app + state",
      filter: (n) => ({ app: app(n), state: "failed" }),
      index: "recordings_by_app_state",
    },
    {
      name: "appname + state + format",
      filter: (n) => ({ appname: appname(n), state: "failed", format: format(n) }),
      index: "recordings_by_appname_state",
    },
    {
      name: "state + format",
      filter: (n) => ({ state: "failed", format: format(n) }),
      index: "recordings_by_state",
    },
    {
      name: "state failed + format aac",
      filter: () => ({ state: "failed", format: "aac" }),
      index: "recordings_by_state",
    },
    {
      name: "q, a stream",
      filter: (n) => ({ q: stream(n) }),
      index: "recordings_by_stream_id_format",
    },
    {
      name: "q, a file id",
      filter: (n) => ({ q: fileIdOf(row(n)) }),
      index: "recordings_by_stream_id_format",
    },
    {
      name: "q, an id",
      filter: (n) => ({ q: String(row(n)) }),
      index: "recordings_by_stream_id_format",
    },
    {
      name: "q, nothing",
      filter: (n) => ({ q: `none-${n}` }),
      index: "recordings_by_stream_id_format",
    },
    {
      name: "finding",
      filter: () => ({ finding: "size_mismatch" }),
      index: "recordings_with_findings",
      isChecked: true,
    },
    {
      name: "finding that no recording has",
      filter: () => ({ finding: "empty_file" }),
      index: "recordings_with_findings",
      isChecked: true,
    },
    {
      name: "finding + state + app",
      filter: (n) => ({ finding: "any", state: "failed", app: app(n) }),
      index: "recordings_with_findings",
      isChecked: true,
    },
    {
      name: "finding + stream",
      filter: (n) => ({ finding: "any", streamId: stream(n) }),
      index: "recordings_by_stream_id_format",
      isChecked: true,
    },
    {
      name: "stream + app",
      filter: (n) => ({ streamId: BUSY, app: app(n) }),
      index: "recordings_by_stream_id_format",
      isChecked: true,
    },
    {
      name: "stream + app that is not there",
      filter: () => ({ streamId: BUSY, app: "no-app" }),
      index: "recordings_by_stream_id_format",
      isChecked: true,
    },
    {
      name: "stream + pending",
      filter: () => ({ streamId: BUSY, state: "pending" }),
      index: "recordings_by_stream_id_format",
      isChecked: true,
    },
    {
      name: "app + pending",
      filter: (n) => ({ app: app(n), state: "pending" }),
      index: "recordings_pending_by_time",
      isChecked: true,
    },
    {
      name: "task + format",
      filter: (n) => ({ taskId: taskOf(row(n)), format: format(n) }),
      index: "recordings_by_task_id",
      isChecked: true,
    },
    {
      name: "q, a stream + app that is not there",
      filter: () => ({ q: BUSY, app: "no-app" }),
      index: "recordings_by_stream_id_format",
      isChecked: true,
    },
  ];
}
