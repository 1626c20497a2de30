import type { RecordingFilter } from "../src/list-query.ts";

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

/** Streams of all sizes: the busy one, those with some hundred recordings, and small ones. */
const stream = (n: number): string => `channel-${n % 3 === 0 ? 0 : (n * 7) % 500}`;
const app = (n: number): string =>
  ["push.example.com", "push2.example.com", "test.example.com"][n % 3] ?? "";
const appname = (n: number): string => ["live", "event", "drill"][n % 3] ?? "";
const format = (n: number): "hls" | "mp4" | "flv" =>
  (["hls", "mp4", "flv"] as const)[n % 3] ?? "hls";
const day = (n: number): string =>
  new Date(Date.UTC(2024, 0, 1 + (n % 3), (n * 5) % 24)).toISOString();
const BUSY = "channel-0";

export const LIST_SHAPES: readonly ListShape[] = [
  { name: "all", filter: () => ({}), index: "recordings_by_time" },
  {
    name: "from, to",
    filter: (n) => ({
      from: day(n),
      to: day(n + 1) > day(n) ? day(n + 1) : "2024-01-05T00:00:00Z",
    }),
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
    name: "task",
    filter: (n) => ({ taskId: `task-${(n * 13) % 1000}` }),
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
    filter: (n) => ({ streamId: stream(n), from: "2024-01-01T00:00:00Z", to: day(n) }),
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
    filter: (n) => ({ q: `9007${String(1 + ((n * 7919) % 50_000)).padStart(15, "0")}` }),
    index: "recordings_by_stream_id_format",
  },
  {
    name: "q, an id",
    filter: (n) => ({ q: String(1 + ((n * 7919) % 50_000)) }),
    index: "recordings_by_stream_id_format",
  },
  {
    name: "q, nothing",
    filter: (n) => ({ q: `none-${n}` }),
    index: "recordings_by_stream_id_format",
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
    filter: (n) => ({ taskId: `task-${(n * 13) % 1000}`, format: format(n) }),
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
