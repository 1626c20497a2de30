import type { ReactNode } from "react";
import { LAG_STATIONS } from "@reelgate/shared/contract/overview";
import type { LagStation, Overview, Percentiles } from "@reelgate/shared/contract/overview";
import { lagPosition } from "../charts/scale.ts";
import { count, humanDuration } from "../format/quantities.ts";
import { Duration, Nothing } from "../ui/quantity.tsx";
import { Panel } from "../ui/panel.tsx";

const STATION_WORDS: Readonly<Record<LagStation, string>> = {
  endToReceived: "End of the recording → callback",
  receivedToCatalogued: "Callback → catalogued",
  cataloguedToVerified: "Catalogued → verified",
  endToVerified: "All together",
};

/** How long recordings took from their end to their verdict. */
export function LagPanel({ lag }: { lag: Overview["lag"] }): ReactNode {
  return (
    <Panel
      title="From end to verdict"
      aside={<span className="muted nums">{count(lag.recordings)} recordings</span>}
    >
      <table className="plain-table lag-table">
        <thead>
          <tr>
            <th scope="col">Station</th>
            <th scope="col" className="number">
              Half within
            </th>
            <th scope="col" className="number">
              99 % within
            </th>
          </tr>
        </thead>
        <tbody>
          {LAG_STATIONS.map((station) => (
            <tr key={station} className={station === "endToVerified" ? "total" : undefined}>
              <th scope="row">
                {STATION_WORDS[station]}
                <LagBar percentiles={lag[station]} />
              </th>
              <td className="number">{valueOf(lag[station]?.p50S)}</td>
              <td className="number">{valueOf(lag[station]?.p99S)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function valueOf(seconds: number | undefined): ReactNode {
  return seconds === undefined ? (
    <Nothing why="none was verified in this time" />
  ) : (
    <Duration seconds={seconds} />
  );
}

/** From the median to the 99th percentile, by logarithm: lags go from milliseconds to hours. */
function LagBar({ percentiles }: { percentiles: Percentiles | null }): ReactNode {
  if (percentiles === null) return <svg className="lag-bar" aria-hidden="true" />;
  const from = lagPosition(percentiles.p50S) * 100;
  const to = lagPosition(percentiles.p99S) * 100;
  return (
    <svg className="lag-bar" aria-hidden="true">
      <title>{`${humanDuration(percentiles.p50S)} to ${humanDuration(percentiles.p99S)}`}</title>
      <rect className="lag-track" x="0" y="3" width="100%" height="2" rx="1" />
      <rect
        className="lag-range"
        x={`${from}%`}
        y="2"
        width={`${Math.max(0.5, to - from)}%`}
        height="4"
        rx="2"
      />
      <circle className="lag-median" cx={`${from}%`} cy="4" r="4" />
    </svg>
  );
}
