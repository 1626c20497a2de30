import { EqualNot } from "lucide-react";
import type { ReactNode } from "react";
import type { Recording } from "@reelgate/shared/contract/recording";
import { Panel } from "../ui/panel.tsx";
import { Nothing } from "../ui/quantity.tsx";
import { compareDeclared } from "./compare.ts";

/** What the callback said beside what is there. */
export function ComparePanel({ recording }: { recording: Recording }): ReactNode {
  return (
    <Panel title="Declared and real">
      <table className="plain-table compare">
        <thead>
          <tr>
            <td />
            <th scope="col">Declared</th>
            <th scope="col">Real</th>
          </tr>
        </thead>
        <tbody>
          {compareDeclared(recording).map(({ name, declared, real, exact, differs }) => (
            <tr key={name} className={differs ? "differs" : undefined}>
              <th scope="row">{name}</th>
              <td title={exact?.declared ?? undefined}>
                {declared ?? <Nothing why="not declared" />}
              </td>
              <td title={exact?.real ?? undefined}>
                {real ?? <Nothing why="not known" />}
                {differs && (
                  <span className="differs-mark">
                    <EqualNot size={14} aria-hidden="true" /> differs
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {recording.media === null && (
        <p className="panel-note">The file was not looked at yet, or could not be read.</p>
      )}
    </Panel>
  );
}
