import type { ReactNode } from "react";
import type { Look } from "@reelgate/shared/contract/recording";
import { LookBadge } from "../ui/badges.tsx";
import { Panel } from "../ui/panel.tsx";
import { Duration } from "../ui/quantity.tsx";
import { Time } from "../ui/time.tsx";

/** The API gives this many looks at most. */
const MAX_LOOKS = 200;

/** Every attempt at the recording's file, the latest first. */
export function LooksPanel({ looks }: { looks: readonly Look[] }): ReactNode {
  return (
    <Panel title="Looks at the file">
      {looks.length === 0 ? (
        <p className="panel-empty">Nobody has looked at it yet.</p>
      ) : (
        <ol className="looks">
          {looks.map((look, index) => (
            <li key={index} className={`look look-${look.result}`}>
              <div className="look-head">
                <LookBadge result={look.result} final={look.final} />
                <Time iso={look.endedAt} withAge />
              </div>
              <p className="muted">
                {look.durationMs !== null && (
                  <>
                    Took <Duration seconds={look.durationMs / 1000} />.{" "}
                  </>
                )}
                {look.generation > 0 && `Retry ${look.generation}. `}
                {look.code !== null && <code>{look.code}</code>}
              </p>
              {look.message !== null && <p className="look-message">{look.message}</p>}
            </li>
          ))}
        </ol>
      )}
      {looks.length >= MAX_LOOKS && (
        <p className="panel-note">Only the latest {MAX_LOOKS} looks are shown.</p>
      )}
    </Panel>
  );
}
