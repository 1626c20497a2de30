import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ChevronLeft, ChevronRight, ChevronsRight, History, Radio } from "lucide-react";
import { useMemo } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import { recordingsPath } from "../filters/recording-filter.ts";
import { localTime, unixMs } from "../format/times.ts";
import { Link } from "../routing/link.tsx";
import { streamPath } from "../routing/paths.ts";
import { navigate } from "../routing/router.ts";
import { LaneWords } from "../timeline/lane-words.tsx";
import { latestBefore, readWindow } from "../timeline/read-window.ts";
import { clip, timelineLanes } from "../timeline/timeline-lanes.ts";
import type { Interval } from "../timeline/timeline-lanes.ts";
import { TimelineView } from "../timeline/timeline-view.tsx";
import { ZOOMS, ZOOM_MS, moved, windowEndingAt, zoomed } from "../timeline/timeline-window.ts";
import type { Zoom } from "../timeline/timeline-window.ts";
import { PageHead } from "../ui/page-head.tsx";
import { EmptyState, ErrorState, Skeleton } from "../ui/states.tsx";

/** The provider cuts between two frames and tells times to the microsecond; shorter ones are no gap. */
const TOLERANCE_MS = 2000;

const POLL_MS = 8000;

const ZOOM_LABELS: Readonly<Record<Zoom, string>> = {
  "1h": "1 hour",
  "6h": "6 hours",
  day: "1 day",
};

export interface StreamPageProps {
  streamId: string;
  search: string;
}

/** The recordings of one stream in time: what is there, what is missing between, what is there twice. */
export function StreamPage({ streamId, search }: StreamPageProps): ReactNode {
  const query = new URLSearchParams(search);
  const zoom = ZOOMS.find((candidate) => candidate === query.get("zoom")) ?? "6h";
  const endMs = Date.parse(query.get("end") ?? "");
  const aroundMs = Date.parse(query.get("at") ?? "");
  const isPlaced = !Number.isNaN(endMs) || !Number.isNaN(aroundMs);
  const latest = useQuery({
    queryKey: ["stream-latest", streamId],
    queryFn: async ({ signal }) => await latestBefore(streamId, null, signal),
    refetchInterval: POLL_MS,
  });
  const window = useMemo((): Interval | null => {
    if (!Number.isNaN(endMs)) return { startMs: endMs - ZOOM_MS[zoom], endMs };
    if (!Number.isNaN(aroundMs)) return windowEndingAt(aroundMs + ZOOM_MS[zoom] / 2, zoom);
    const lastMs = unixMs(latest.data?.endedAt ?? "");
    return Number.isNaN(lastMs) ? null : windowEndingAt(lastMs, zoom);
  }, [endMs, aroundMs, zoom, latest.data]);
  const show = (next: Interval | null, nextZoom: Zoom = zoom): void => {
    const to = new URLSearchParams();
    if (nextZoom !== "6h") to.set("zoom", nextZoom);
    if (next !== null) to.set("end", new Date(next.endMs).toISOString());
    navigate(streamPath(streamId, to.toString()), { replace: true });
  };
  return (
    <>
      <PageHead
        title={<span className="id-text">{streamId}</span>}
        tab={streamId}
        lead={
          <>
            The stream in time, one lane for each format.{" "}
            <Link to={recordingsPath({ stream_id: streamId })}>As a list</Link>
          </>
        }
      />
      {latest.data === undefined && latest.error !== null && (
        <ErrorState error={latest.error} retry={() => void latest.refetch()} />
      )}
      {latest.data === undefined && latest.error === null && (
        <Skeleton lines={8} label="Loading the stream" />
      )}
      {latest.data === null && (
        <EmptyState icon={Radio} title="No recording of this stream">
          <Link className="button" to="/streams">
            Look for another
          </Link>
        </EmptyState>
      )}
      {latest.data && window !== null && (
        <StreamWindow
          streamId={streamId}
          window={window}
          zoom={zoom}
          isLatest={!isPlaced}
          show={show}
        />
      )}
    </>
  );
}

interface StreamWindowProps {
  streamId: string;
  window: Interval;
  zoom: Zoom;
  isLatest: boolean;
  /** Null is the time of the latest recording. */
  show: (window: Interval | null, zoom?: Zoom) => void;
}

function StreamWindow({ streamId, window, zoom, isLatest, show }: StreamWindowProps): ReactNode {
  const { startMs, endMs } = window;
  const content = useQuery({
    queryKey: ["stream-window", streamId, startMs, endMs],
    queryFn: ({ signal }) => readWindow(streamId, { startMs, endMs }, signal),
    refetchInterval: POLL_MS,
    placeholderData: keepPreviousData,
  });
  const lanes = useMemo(
    () =>
      timelineLanes(content.data?.recordings ?? [], TOLERANCE_MS).filter(
        (lane) =>
          lane.segments.some((segment) => clip(segment, { startMs, endMs }) !== null) ||
          lane.gaps.some((gap) => clip(gap, { startMs, endMs }) !== null),
      ),
    [content.data, startMs, endMs],
  );
  const change = (next: Zoom): void => show(isLatest ? null : zoomed(window, next), next);
  const onKey = (event: KeyboardEvent<HTMLElement>): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const index = ZOOMS.indexOf(zoom);
    const act: Record<string, () => void> = {
      ArrowLeft: () => show(moved(window, -0.25)),
      ArrowRight: () => show(moved(window, 0.25)),
      "+": () => change(ZOOMS[Math.max(0, index - 1)] ?? zoom),
      "-": () => change(ZOOMS[Math.min(ZOOMS.length - 1, index + 1)] ?? zoom),
      End: () => show(null),
    };
    const chosen = act[event.key];
    if (chosen === undefined) return;
    event.preventDefault();
    chosen();
  };
  const jump = async (): Promise<void> => {
    const earlier = await latestBefore(streamId, startMs, new AbortController().signal);
    if (earlier !== null) show(windowEndingAt(unixMs(earlier.endedAt), zoom));
  };
  const isEmpty = content.data !== undefined && !content.isPlaceholderData && lanes.length === 0;
  return (
    <>
      <div className="timeline-bar">
        <div className="segmented" role="group" aria-label="How much time is shown">
          {ZOOMS.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={zoom === each}
              onClick={() => change(each)}
            >
              {ZOOM_LABELS[each]}
            </button>
          ))}
        </div>
        <p className="timeline-range nums" aria-live="polite">
          {localTime(new Date(startMs).toISOString()).slice(0, -3)} –{" "}
          {localTime(new Date(endMs).toISOString()).slice(0, -3)}
        </p>
        <div className="timeline-moves">
          <button
            type="button"
            className="icon-button framed"
            aria-label="Earlier"
            onClick={() => show(moved(window, -0.5))}
          >
            <ChevronLeft size={18} aria-hidden="true" />
          </button>
          <button
            type="button"
            className="icon-button framed"
            aria-label="Later"
            onClick={() => show(moved(window, 0.5))}
          >
            <ChevronRight size={18} aria-hidden="true" />
          </button>
          <button type="button" className="button" disabled={isLatest} onClick={() => show(null)}>
            Latest <ChevronsRight size={16} aria-hidden="true" />
          </button>
        </div>
      </div>
      {content.data === undefined && content.error !== null ? (
        <ErrorState error={content.error} retry={() => void content.refetch()} />
      ) : (
        <TimelineView lanes={lanes} window={window} zoom={zoom} onKey={onKey} />
      )}
      <p className="timeline-keys muted hide-narrow">
        <kbd>←</kbd> <kbd>→</kbd> move, <kbd>+</kbd> <kbd>−</kbd> zoom, <kbd>End</kbd> latest, when
        the timeline has the focus. Gaps and overlaps of up to {TOLERANCE_MS / 1000} s are not told.
      </p>
      {content.data?.isCut === true && (
        <p className="muted">
          There are too many recordings here: only the latest are drawn. Zoom in.
        </p>
      )}
      {isEmpty && (
        <EmptyState icon={History} title="Nothing was recorded in this time">
          <button type="button" className="button" onClick={() => void jump()}>
            Go to the recording before it
          </button>
        </EmptyState>
      )}
      {lanes.map((lane) => (
        <LaneWords key={lane.name} lane={lane} window={window} />
      ))}
    </>
  );
}
