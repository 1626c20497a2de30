import type { KeyboardEvent, ReactNode } from "react";
import { humanDuration } from "../format/quantities.ts";
import { localClock } from "../format/times.ts";
import { gravestFirst, severityOf } from "../findings/finding-words.ts";
import { Link } from "../routing/link.tsx";
import { recordingPath } from "../routing/paths.ts";
import type { StreamRecording } from "./read-window.ts";
import { clip } from "./timeline-lanes.ts";
import type { Interval, Lane, Segment } from "./timeline-lanes.ts";
import { ticks } from "./timeline-window.ts";
import type { Zoom } from "./timeline-window.ts";

export interface TimelineViewProps {
  lanes: readonly Lane<StreamRecording>[];
  window: Interval;
  zoom: Zoom;
  onKey: (event: KeyboardEvent<HTMLElement>) => void;
}

const ROW_PX = 30;
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** The recordings on an axis of time, in one lane for each format. */
export function TimelineView({ lanes, window, zoom, onKey }: TimelineViewProps): ReactNode {
  const percent = (ms: number): number =>
    ((ms - window.startMs) / (window.endMs - window.startMs)) * 100;
  const place = ({ startMs, endMs }: Interval): { left: string; width: string } => ({
    left: `${percent(startMs)}%`,
    width: `${percent(endMs) - percent(startMs)}%`,
  });
  const labelled = ticks(window, zoom, new Date(window.startMs).getTimezoneOffset());
  return (
    <div
      className="timeline"
      data-zoom={zoom}
      role="group"
      tabIndex={0}
      aria-label="Timeline. Left and right move it, plus and minus change how much it shows. The tables below say the same in words."
      onKeyDown={onKey}
    >
      <div className="timeline-axis" aria-hidden="true">
        {labelled.map((atMs) => (
          <span key={atMs} className="timeline-tick" style={{ left: `${percent(atMs)}%` }}>
            {tickText(atMs)}
          </span>
        ))}
      </div>
      {lanes.map((lane) => (
        <section key={lane.name} className="lane" aria-label={`${lane.name} recordings`}>
          <h3 className="lane-name">{lane.name}</h3>
          <div className="lane-plot" style={{ height: `${Math.max(1, lane.rows) * ROW_PX}px` }}>
            {labelled.map((atMs) => (
              <span key={atMs} className="lane-grid" style={{ left: `${percent(atMs)}%` }} />
            ))}
            {lane.gaps.map((gap) => {
              const part = clip(gap, window);
              return (
                part !== null && (
                  <span
                    key={gap.startMs}
                    className="lane-gap"
                    style={place(part)}
                    title={`Gap of ${humanDuration((gap.endMs - gap.startMs) / 1000)}`}
                  />
                )
              );
            })}
            {lane.segments.map((segment) => (
              <SegmentLink key={segment.item.id} segment={segment} window={window} place={place} />
            ))}
            {lane.overlaps.map((overlap) => {
              const part = clip(overlap, window);
              return (
                part !== null && (
                  <span
                    key={overlap.startMs}
                    className="lane-overlap"
                    style={place(part)}
                    title={`Overlap of ${humanDuration((overlap.endMs - overlap.startMs) / 1000)}`}
                  />
                )
              );
            })}
          </div>
        </section>
      ))}
      {lanes.length === 0 && <p className="lane-empty muted">No recording in this time</p>}
    </div>
  );
}

interface SegmentLinkProps {
  segment: Segment<StreamRecording>;
  window: Interval;
  place: (interval: Interval) => { left: string; width: string };
}

function SegmentLink({ segment, window, place }: SegmentLinkProps): ReactNode {
  const { recording } = segment.item;
  // One without duration, or too short to be seen, keeps a width by its style.
  const part = clip({ ...segment, endMs: Math.max(segment.endMs, segment.startMs + 1) }, window);
  if (part === null) return null;
  const [gravest] = gravestFirst(recording.findings);
  const isBroken = gravest !== undefined && severityOf(gravest) === "broken";
  const durationText = humanDuration((segment.endMs - segment.startMs) / 1000);
  const stateText = `${recording.state}${isBroken ? ", broken" : ""}`;
  const name = `${localClock(new Date(segment.startMs))} to ${localClock(new Date(segment.endMs))}, ${durationText}, ${stateText}`;
  return (
    <Link
      to={recordingPath(recording.id)}
      className={`segment segment-${isBroken ? "broken" : recording.state}`}
      style={{ ...place(part), top: `${segment.row * ROW_PX + 3}px` }}
      aria-label={name}
      title={name}
    >
      <span className="segment-text">
        {isBroken ? "broken" : recording.state === "indexed" ? durationText : recording.state}
      </span>
    </Link>
  );
}

function tickText(atMs: number): string {
  const date = new Date(atMs);
  const clock = localClock(date, false);
  return clock === "00:00" ? DAY.format(date) : clock;
}
