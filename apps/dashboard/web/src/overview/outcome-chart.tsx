import { useState } from "react";
import type { ReactNode } from "react";
import type { Overview } from "@reelgate/shared/contract/overview";
import { OUTCOMES } from "@reelgate/shared/contract/recording";
import type { Outcome } from "@reelgate/shared/contract/recording";
import { countTicks, stack } from "../charts/scale.ts";
import { count, counted } from "../format/quantities.ts";
import { localClock } from "../format/times.ts";
import { Link } from "../routing/link.tsx";
import { useWidth } from "../ui/use-width.ts";

type Minute = Overview["minutes"][number];

/** Pixels. The width is that of the place: a drawing that is scaled has letters of another size on every screen. */
const FIRST_WIDTH = 720;
const HEIGHT = 200;
const LEFT = 40;
const BOTTOM = 22;
const TOP = 8;
const LABEL_ROOM = 110;
const PLOT_HEIGHT = HEIGHT - BOTTOM - TOP;

const clock = (iso: string): string => localClock(new Date(iso), false);
const totalOf = ({ byOutcome }: Minute): number =>
  OUTCOMES.reduce((sum, outcome) => sum + byOutcome[outcome], 0);

/** Callbacks of each minute, by outcome on top of each other; the same as a table for those who read. */
export function OutcomeChart({ minutes }: { minutes: readonly Minute[] }): ReactNode {
  const [pointed, setPointed] = useState<number | null>(null);
  const [measure, width] = useWidth(FIRST_WIDTH);
  const ticks = countTicks(Math.max(0, ...minutes.map(totalOf)));
  const top = ticks.at(-1) ?? 1;
  const barWidth = Math.max(0, width - LEFT) / Math.max(1, minutes.length);
  const y = (value: number): number => TOP + PLOT_HEIGHT * (1 - value / top);
  const total = minutes.reduce((sum, minute) => sum + totalOf(minute), 0);
  const shown = pointed === null ? null : minutes[pointed];
  const everyNth = Math.max(
    1,
    Math.ceil((minutes.length * LABEL_ROOM) / Math.max(1, width - LEFT)),
  );
  return (
    <figure ref={measure} className="chart">
      <svg
        width={width}
        height={HEIGHT}
        role="img"
        aria-label={`${counted(total, "callback")} in ${counted(minutes.length, "minute")}, by outcome. The table below has the numbers.`}
        onMouseLeave={() => setPointed(null)}
      >
        {ticks.map((tick) => (
          <g key={tick}>
            <line className="chart-grid" x1={LEFT} x2={width} y1={y(tick)} y2={y(tick)} />
            <text className="chart-label" x={LEFT - 8} y={y(tick) + 4} textAnchor="end">
              {count(tick)}
            </text>
          </g>
        ))}
        {minutes.map((minute, index) => (
          <g key={minute.at} onMouseEnter={() => setPointed(index)}>
            <rect
              className="chart-hover"
              x={LEFT + index * barWidth}
              y={TOP}
              width={barWidth}
              height={PLOT_HEIGHT}
            />
            {stack(OUTCOMES.map((name) => ({ name, value: minute.byOutcome[name] }))).map(
              (part) => (
                <rect
                  key={part.name}
                  className={`fill-${part.name}`}
                  x={LEFT + index * barWidth + barWidth * 0.12}
                  width={barWidth * 0.76}
                  y={y(part.to)}
                  height={Math.max(0.75, y(part.from) - y(part.to))}
                />
              ),
            )}
          </g>
        ))}
        {minutes.map(
          (minute, index) =>
            index % everyNth === 0 &&
            index * barWidth + 40 < width - LEFT && (
              <text
                key={minute.at}
                className="chart-label"
                x={LEFT + index * barWidth}
                y={HEIGHT - 6}
              >
                {clock(minute.at)}
              </text>
            ),
        )}
      </svg>
      <p className="chart-reading nums" aria-hidden="true">
        {shown === null || shown === undefined
          ? `${counted(total, "callback")} in ${minutes.length} min`
          : `${clock(shown.at)}: ${describe(shown)}`}
      </p>
      <ul className="legend">
        {OUTCOMES.map((outcome) => (
          <li key={outcome}>
            <Link to={`/callbacks?outcome=${outcome}`}>
              <span className={`swatch swatch-${outcome}`} aria-hidden="true" />
              {outcome}{" "}
              <span className="nums muted">
                {count(minutes.reduce((sum, minute) => sum + minute.byOutcome[outcome], 0))}
              </span>
            </Link>
          </li>
        ))}
      </ul>
      <MinutesTable minutes={minutes} />
    </figure>
  );
}

function describe(minute: Minute): string {
  const parts = OUTCOMES.filter((outcome) => minute.byOutcome[outcome] > 0).map(
    (outcome: Outcome) => `${count(minute.byOutcome[outcome])} ${outcome}`,
  );
  return parts.length === 0 ? "no callbacks" : parts.join(", ");
}

function MinutesTable({ minutes }: { minutes: readonly Minute[] }): ReactNode {
  return (
    <details className="as-table">
      <summary>As a table</summary>
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Callbacks by minute">
        <table className="plain-table nums">
          <thead>
            <tr>
              <th scope="col">Minute</th>
              {OUTCOMES.map((outcome) => (
                <th key={outcome} scope="col">
                  {outcome}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {minutes.toReversed().map((minute) => (
              <tr key={minute.at}>
                <th scope="row">{clock(minute.at)}</th>
                {OUTCOMES.map((outcome) => (
                  <td key={outcome}>{count(minute.byOutcome[outcome])}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
