import { CloudOff } from "lucide-react";
import type { ReactNode } from "react";
import { useApiHealth } from "./api/api-health.ts";
import { localClock } from "./format/times.ts";

/** Says that what is shown may be old, for as long as the API does not answer. */
export function HealthBanner(): ReactNode {
  const health = useApiHealth();
  return (
    <div role="status" className="banner-place">
      {health.kind === "failing" && (
        <div className="banner banner-bad">
          <CloudOff size={18} aria-hidden="true" />
          <p>
            <strong>{health.message}</strong>{" "}
            {health.lastGoodMs === null
              ? "It is tried again by itself."
              : `What is shown is from ${localClock(new Date(health.lastGoodMs))}; it is tried again by itself.`}
          </p>
        </div>
      )}
    </div>
  );
}
