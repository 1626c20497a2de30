import type { ReactNode } from "react";
import type { Callback, Conflict } from "@reelgate/shared/contract/recording";
import { Facts } from "../ui/panel.tsx";
import { JsonView } from "../ui/json-view.tsx";
import { Time } from "../ui/time.tsx";

/** Everything that is known of one callback. */
export function CallbackDetails({ callback }: { callback: Callback }): ReactNode {
  return (
    <div className="callback-details">
      {callback.problems.length > 0 && (
        <div>
          <h3>{callback.outcome === "invalid" ? "Why it is invalid" : "Tolerated problems"}</h3>
          <ul className="problems">
            {callback.problems.map((problem, index) => (
              <li key={index}>
                <code>{problem.path === "" ? "(body)" : problem.path}</code> {problem.message}
              </li>
            ))}
          </ul>
        </div>
      )}
      {callback.conflicts.length > 0 && <ConflictTable conflicts={callback.conflicts} />}
      {callback.unknownFields.length > 0 && (
        <p>
          Fields that the specification does not know:{" "}
          {callback.unknownFields.map((field) => (
            <code key={field} className="inline-code">
              {field}
            </code>
          ))}
        </p>
      )}
      <Facts
        facts={{
          Received: <Time iso={callback.receivedAt} withAge />,
          Settled: <Time iso={callback.settledAt} />,
          "Sent from": callback.remoteAddress ?? "not known",
          "Signed with":
            callback.keyIndex === null ? "no key" : `key ${callback.keyIndex + 1} of CALLBACK_KEYS`,
          Request: <code className="break-anywhere">{callback.requestId ?? "not known"}</code>,
          Callback: <code className="break-anywhere">{callback.id}</code>,
        }}
      />
      <JsonView text={callback.body} label="Body, without its secrets" />
    </div>
  );
}

function ConflictTable({ conflicts }: { conflicts: readonly Conflict[] }): ReactNode {
  return (
    <div>
      <h3>What it contradicts</h3>
      <table role="table" className="list conflicts">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">
              Field
            </th>
            <th role="columnheader" scope="col">
              Recorded, and kept
            </th>
            <th role="columnheader" scope="col">
              Received
            </th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {conflicts.map(({ field, recorded, received }) => (
            <tr role="row" key={field}>
              <th role="rowheader" scope="row">
                <code>{field}</code>
              </th>
              <td role="cell" data-label="Recorded" className="break-anywhere">
                {valueText(recorded)}
              </td>
              <td role="cell" data-label="Received" className="break-anywhere">
                <mark>{valueText(received)}</mark>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const valueText = (value: string | number | null): string =>
  value === null ? "nothing" : String(value);
