import type { ReactNode } from "react";
import { count } from "../format/quantities.ts";
import { Link } from "../routing/link.tsx";

export interface RankingRow {
  key: string;
  label: ReactNode;
  /** One line under the label. */
  note?: string | undefined;
  value: number;
  to?: string;
}

/** Counts by name, the largest first, with a bar behind each. */
export function Ranking({
  rows,
  empty,
}: {
  rows: readonly RankingRow[];
  empty: string;
}): ReactNode {
  if (rows.length === 0) return <p className="panel-empty">{empty}</p>;
  const largest = Math.max(...rows.map(({ value }) => value));
  return (
    <ul className="ranking">
      {rows.map(({ key, label, note, value, to }) => {
        const content = (
          <>
            <span className="ranking-bar" style={{ width: `${(value / largest) * 100}%` }} />
            <span className="ranking-label">
              {label}
              {note !== undefined && <small>{note}</small>}
            </span>
            <span className="nums ranking-value">{count(value)}</span>
          </>
        );
        return (
          <li key={key}>
            {to === undefined ? (
              <div className="ranking-row">{content}</div>
            ) : (
              <Link to={to} className="ranking-row">
                {content}
              </Link>
            )}
          </li>
        );
      })}
    </ul>
  );
}
