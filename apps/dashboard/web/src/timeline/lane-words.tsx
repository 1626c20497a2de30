import type { ReactNode } from "react";
import { counted, humanDuration } from "../format/quantities.ts";
import { localTime } from "../format/times.ts";
import { Link } from "../routing/link.tsx";
import { recordingPath } from "../routing/paths.ts";
import { FindingsBadge, StateBadge } from "../ui/badges.tsx";
import { Panel } from "../ui/panel.tsx";
import { Bytes, Duration, Nothing } from "../ui/quantity.tsx";
import { Time } from "../ui/time.tsx";
import type { StreamRecording } from "./read-window.ts";
import { clip, coveredMs } from "./timeline-lanes.ts";
import type { Interval, Lane } from "./timeline-lanes.ts";

/** The day is told once when both ends have the same. */
function rangeText({ startMs, endMs }: Interval): string {
  const start = localTime(new Date(startMs).toISOString());
  const end = localTime(new Date(endMs).toISOString());
  return `from ${start} to ${start.slice(0, 10) === end.slice(0, 10) ? end.slice(11) : end}`;
}

const seconds = ({ startMs, endMs }: Interval): number => (endMs - startMs) / 1000;

/** What the timeline shows, in words and as a table. */
export function LaneWords(props: { lane: Lane<StreamRecording>; window: Interval }): ReactNode {
  const { lane, window } = props;
  const gaps = lane.gaps.filter((gap) => clip(gap, window) !== null);
  const overlaps = lane.overlaps.filter((overlap) => clip(overlap, window) !== null);
  const visible = lane.segments.filter(
    ({ startMs, endMs }) => endMs >= window.startMs && startMs <= window.endMs,
  );
  const covered = coveredMs(lane.segments, window) / 1000;
  return (
    <Panel
      title={lane.name}
      aside={
        <span className="muted">
          {counted(visible.length, "recording")}, together {humanDuration(covered)}
        </span>
      }
    >
      <div className="lane-words">
        <div>
          <h3>{gaps.length === 0 ? "No gaps" : counted(gaps.length, "gap")}</h3>
          {gaps.length > 0 && (
            <ul>
              {gaps.map((gap) => (
                <li key={gap.startMs}>
                  <strong>{humanDuration(seconds(gap))}</strong> without a recording,{" "}
                  <span className="nums">{rangeText(gap)}</span>
                </li>
              ))}
            </ul>
          )}
        </div>
        <div>
          <h3>{overlaps.length === 0 ? "No overlaps" : counted(overlaps.length, "overlap")}</h3>
          {overlaps.length > 0 && (
            <ul>
              {overlaps.map((overlap) => (
                <li key={overlap.startMs}>
                  <strong>{humanDuration(seconds(overlap))}</strong> in{" "}
                  {counted(overlap.ids.length, "recording")} at once,{" "}
                  <span className="nums">{rangeText(overlap)}</span>
                </li>
              ))}
            </ul>
          )}
        </div>
      </div>
      <details className="as-table">
        <summary>As a table</summary>
        <table role="table" className="list lane-table" aria-label={`${lane.name} recordings`}>
          <thead role="rowgroup">
            <tr role="row">
              {["Started", "Ended", "Duration", "Size", "State", "Findings"].map((column) => (
                <th key={column} role="columnheader" scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {visible.map(({ item: { recording }, startMs, endMs }) => (
              <tr role="row" key={recording.id}>
                <td role="cell" data-label="Started">
                  <Link to={recordingPath(recording.id)}>
                    <Time iso={recording.startedAt} />
                  </Link>
                </td>
                <td role="cell" data-label="Ended">
                  <Time iso={recording.endedAt} />
                </td>
                <td role="cell" data-label="Duration">
                  <Duration seconds={(endMs - startMs) / 1000} />
                </td>
                <td role="cell" data-label="Size">
                  <Bytes value={recording.media?.sizeBytes ?? recording.declared.sizeBytes} />
                </td>
                <td role="cell" data-label="State">
                  <StateBadge state={recording.state} />
                </td>
                <td role="cell" data-label="Findings">
                  {recording.findings.length === 0 ? (
                    <Nothing why="none" />
                  ) : (
                    <FindingsBadge findings={recording.findings} />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </Panel>
  );
}
