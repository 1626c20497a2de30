import { Archive, CircleCheck, CircleX, Film, Hourglass, Inbox, TriangleAlert } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import type { Stats } from "@reelgate/shared/contract/recording";
import { count } from "../format/quantities.ts";
import { recordingsPath } from "../filters/recording-filter.ts";
import { Link } from "../routing/link.tsx";

interface Tile {
  label: string;
  icon: LucideIcon;
  to: string;
  value: number | undefined;
  tone?: "bad" | "warn" | "good" | "kept" | "wait";
}

/** The whole catalogue in seven numbers, each a way to what it counts. */
export function Totals({ stats }: { stats: Stats | undefined }): ReactNode {
  const states = stats?.recordings.byState;
  const tiles: Tile[] = [
    { label: "Recordings", icon: Film, to: "/recordings", value: stats?.recordings.total },
    {
      label: "Pending",
      icon: Hourglass,
      to: recordingsPath({ state: "pending" }),
      value: states?.pending,
      tone: "wait",
    },
    {
      label: "Indexed",
      icon: CircleCheck,
      to: recordingsPath({ state: "indexed" }),
      value: states?.indexed,
      tone: "good",
    },
    {
      label: "Stored",
      icon: Archive,
      to: recordingsPath({ state: "stored" }),
      value: states?.stored,
      tone: "kept",
    },
    {
      label: "Failed",
      icon: CircleX,
      to: recordingsPath({ state: "failed" }),
      value: states?.failed,
      tone: "bad",
    },
    {
      label: "With findings",
      icon: TriangleAlert,
      to: recordingsPath({ finding: "any" }),
      value: stats?.recordings.withFindings,
      tone: "warn",
    },
    { label: "Callbacks", icon: Inbox, to: "/callbacks", value: stats?.callbacks.total },
  ];
  return (
    <ul className="tiles" aria-label="The whole catalogue">
      {tiles.map(({ label, icon: Icon, to, value, tone }) => (
        <li key={label}>
          <Link
            to={to}
            className={`tile ${value === 0 || tone === undefined ? "" : `tile-${tone}`}`}
          >
            <span className="tile-label">
              <Icon size={16} aria-hidden="true" /> {label}
            </span>
            <span className="tile-value nums">
              {value === undefined ? <span className="skeleton-line" /> : count(value)}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
