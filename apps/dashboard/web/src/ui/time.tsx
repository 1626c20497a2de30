import type { ReactNode } from "react";
import { age, localTime, utcTime } from "../format/times.ts";
import { useNow } from "../live/use-now.ts";

/** A moment on the reader's clock; UTC to the last digit when pointed at. */
export function Time({ iso, withAge = false }: { iso: string; withAge?: boolean }): ReactNode {
  return (
    <span className="time">
      <time dateTime={iso} title={utcTime(iso)} className="nums">
        {localTime(iso)}
      </time>
      {withAge && <Age iso={iso} />}
    </span>
  );
}

/** How long ago, or how long until. */
export function Age({ iso }: { iso: string }): ReactNode {
  const nowMs = useNow();
  return (
    <time dateTime={iso} title={utcTime(iso)} className="age">
      {age(iso, nowMs)}
    </time>
  );
}
