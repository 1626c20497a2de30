import type { Recording } from "@reelgate/shared/contract/recording";
import { fetchRecordings } from "../api/endpoints.ts";
import type { Interval, TimelineItem } from "./timeline-lanes.ts";
import { unixMs } from "../format/times.ts";

/** The API filters by start: a recording that began this long before the window still reaches into it. */
const REACH_MS = 24 * 3_600_000;

const PAGE_RECORDINGS = 200;
const MAX_RECORDINGS = 2000;

export interface StreamRecording extends TimelineItem {
  recording: Recording;
}

export interface WindowContent {
  recordings: StreamRecording[];
  /** The window holds more than is read. */
  isCut: boolean;
}

/** Every recording of a stream that has part of a window, the latest first when there are too many. */
export async function readWindow(
  streamId: string,
  window: Interval,
  signal: AbortSignal,
): Promise<WindowContent> {
  const filter = {
    stream_id: streamId,
    from: new Date(window.startMs - REACH_MS).toISOString(),
    to: new Date(window.endMs).toISOString(),
  };
  const found: Recording[] = [];
  let cursor: string | null = null;
  do {
    const page = await fetchRecordings(filter, { cursor, limit: PAGE_RECORDINGS, signal });
    found.push(...page.items);
    ({ nextCursor: cursor } = page);
  } while (cursor !== null && found.length < MAX_RECORDINGS);
  const severalApps = new Set(found.map(({ app, appname }) => `${app} ${appname}`)).size > 1;
  return {
    recordings: found
      .map((recording) => timelineItem(recording, severalApps))
      .filter(({ endMs }) => endMs > window.startMs),
    isCut: cursor !== null,
  };
}

/** Streams of one name under several applications are several streams, each with lanes of its own. */
function timelineItem(recording: Recording, severalApps: boolean): StreamRecording {
  const { format, app, appname } = recording;
  const place = [appname, app].filter((part) => part !== null).join(" · ");
  const startMs = unixMs(recording.startedAt);
  return {
    id: recording.id,
    lane: format.toUpperCase() + (severalApps ? ` ${place}` : ""),
    startMs,
    endMs: Math.max(startMs, unixMs(recording.endedAt)),
    recording,
  };
}

/** The latest recording of a stream that began before a moment; null for none. */
export async function latestBefore(
  streamId: string,
  beforeMs: number | null,
  signal: AbortSignal,
): Promise<Recording | null> {
  let cursor: string | null = null;
  do {
    const page = await fetchRecordings(
      {
        stream_id: streamId,
        ...(beforeMs === null ? {} : { to: new Date(beforeMs).toISOString() }),
      },
      { cursor, limit: 1, signal },
    );
    const [first] = page.items;
    if (first !== undefined) return first;
    ({ nextCursor: cursor } = page);
  } while (cursor !== null);
  return null;
}
