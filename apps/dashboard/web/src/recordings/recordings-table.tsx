import type { ReactNode } from "react";
import type { Recording } from "@reelgate/shared/contract/recording";
import { recordingPath, streamPath } from "../routing/paths.ts";
import { Link } from "../routing/link.tsx";
import { FindingsBadge, StateBadge } from "../ui/badges.tsx";
import { Bytes, Duration, Nothing } from "../ui/quantity.tsx";
import { Time } from "../ui/time.tsx";

export interface RecordingsTableProps {
  recordings: readonly Recording[];
  goneIds: ReadonlySet<string>;
}

const COLUMNS = ["Recording", "Started", "Duration", "Size", "State", "Findings"] as const;

/**
 * A table that becomes cards where it has no room. The roles are written out: with `display: grid` browsers forget that
 * these are rows and cells.
 */
export function RecordingsTable({ recordings, goneIds }: RecordingsTableProps): ReactNode {
  return (
    <table role="table" className="list recordings" aria-label="Recordings">
      <thead role="rowgroup">
        <tr role="row">
          {COLUMNS.map((column) => (
            <th
              key={column}
              role="columnheader"
              scope="col"
              className={column === "Duration" || column === "Size" ? "number" : undefined}
            >
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {recordings.map((recording) => (
          <RecordingRow
            key={recording.id}
            recording={recording}
            isGone={goneIds.has(recording.id)}
          />
        ))}
      </tbody>
    </table>
  );
}

function RecordingRow({ recording, isGone }: { recording: Recording; isGone: boolean }): ReactNode {
  const { declared, media } = recording;
  const sizeBytes = media?.sizeBytes ?? declared.sizeBytes;
  const durationS = media?.durationS ?? declared.durationS;
  return (
    <tr role="row" className={isGone ? "is-gone" : undefined}>
      <td role="cell" className="cell-name">
        <Link to={recordingPath(recording.id)} className="row-link">
          <span className="id-text">{recording.streamId}</span>
          <span className="format-tag">{recording.format}</span>
        </Link>
        <span className="cell-sub">
          <Link to={streamPath(recording.streamId)}>Timeline</Link>
          {recording.appname !== null && <span className="id-text">{recording.appname}</span>}
          {recording.app !== null && <span className="id-text">{recording.app}</span>}
        </span>
      </td>
      <td role="cell" data-label="Started">
        <Time iso={recording.startedAt} withAge />
      </td>
      <td role="cell" data-label="Duration" className="number">
        <Duration seconds={durationS} />
      </td>
      <td role="cell" data-label="Size" className="number">
        <Bytes value={sizeBytes} />
      </td>
      <td role="cell" data-label="State">
        <StateBadge state={recording.state} />
        {recording.failure !== null && (
          <code className="cell-code" title={recording.failure.message}>
            {recording.failure.code}
          </code>
        )}
        {isGone && <span className="cell-code">no longer matches the filter</span>}
      </td>
      <td role="cell" data-label="Findings">
        {recording.findings.length === 0 && recording.conflictCount === 0 && <Nothing why="none" />}
        <span className="badges">
          <FindingsBadge findings={recording.findings} />
          {recording.conflictCount > 0 && (
            <span className="cell-code">
              {recording.conflictCount} {recording.conflictCount === 1 ? "conflict" : "conflicts"}
            </span>
          )}
        </span>
      </td>
    </tr>
  );
}
