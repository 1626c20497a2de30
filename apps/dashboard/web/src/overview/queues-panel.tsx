import { Unplug } from "lucide-react";
import type { ReactNode } from "react";
import type { Overview } from "@reelgate/shared/contract/overview";
import { count } from "../format/quantities.ts";
import { Panel } from "../ui/panel.tsx";
import { Duration, Nothing } from "../ui/quantity.tsx";

const COLUMNS = ["waiting", "active", "delayed", "failed"] as const;

/** What is in flight. */
export function QueuesPanel({ queues }: { queues: Overview["queues"] }): ReactNode {
  const named = Object.entries(queues);
  return (
    <Panel title="Queues" aside={<a href="/queues">Open the board</a>}>
      {named.length === 0 ? (
        <p className="panel-empty">
          <Unplug size={18} aria-hidden="true" /> Redis is away: the queues cannot be counted.
        </p>
      ) : (
        <table className="plain-table">
          <thead>
            <tr>
              <th scope="col">Queue</th>
              {COLUMNS.map((column) => (
                <th key={column} scope="col" className="number">
                  {column}
                </th>
              ))}
              <th scope="col" className="number">
                oldest
              </th>
            </tr>
          </thead>
          <tbody>
            {named.map(([name, depth]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {COLUMNS.map((column) => (
                  <td key={column} className={`number ${depth[column] === 0 ? "muted" : ""}`}>
                    {count(depth[column])}
                  </td>
                ))}
                <td className="number">
                  {depth.oldestWaitingS === null ? (
                    <Nothing why="none waits" />
                  ) : (
                    <Duration seconds={depth.oldestWaitingS} />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}
