import { Histogram } from "prom-client";
import type { Registry } from "prom-client";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import type { RecordingTimes } from "@reelgate/catalogue/media-state";
import type { Settlement } from "@reelgate/catalogue/settle";

/** The system's own work: milliseconds, or the length of an outage. */
const OWN_BUCKETS_S = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 21_600];
/** With the provider's part, which takes about five minutes from the end of a recording. */
const WHOLE_BUCKETS_S = [1, 5, 15, 60, 120, 300, 600, 900, 1800, 3600, 21_600, 86_400];

export interface LagMetrics {
  settled(
    settlement: Settlement,
    event: { receivedAtMs: number; endedAtMs: number | null },
    nowMs?: number,
  ): void;
  verified(job: MediaJob, times: RecordingTimes, nowMs?: number): void;
}

/**
 * How long recordings take on their way. Of each only the first pass counts: a redelivery and an operator's retry come
 * hours later, and would say nothing about the way. What ends before it began (clocks differ, and anyone can claim any
 * time) counts as 0.
 */
export function lagMetrics(registry: Registry): LagMetrics {
  const lag = (name: string, help: string, buckets: number[]): ((ms: number) => void) => {
    const histogram = new Histogram({ name, help, buckets, registers: [registry] });
    return (ms) => histogram.observe(Math.max(ms, 0) / 1000);
  };
  const settle = lag(
    "reelgate_callback_settle_lag_seconds",
    "From the arrival of a callback to its outcome.",
    OWN_BUCKETS_S,
  );
  const delivery = lag(
    "reelgate_recording_delivery_lag_seconds",
    "From the end of a recording, as declared, to the arrival of its first callback.",
    WHOLE_BUCKETS_S,
  );
  const verify = lag(
    "reelgate_recording_verify_lag_seconds",
    "From a recording's row in the catalogue to the verdict on its file.",
    OWN_BUCKETS_S,
  );
  const whole = lag(
    "reelgate_recording_whole_lag_seconds",
    "From the end of a recording, as declared, to the verdict on its file.",
    WHOLE_BUCKETS_S,
  );
  return {
    settled({ outcome, repeated }, { receivedAtMs, endedAtMs }, nowMs = Date.now()) {
      settle(nowMs - receivedAtMs);
      if (outcome !== "recorded" || repeated) return;
      if (endedAtMs !== null) delivery(receivedAtMs - endedAtMs);
    },
    verified({ generation }, times, nowMs = Date.now()) {
      if (generation > 0) return;
      verify(nowMs - Date.parse(times.cataloguedAt));
      whole(nowMs - Date.parse(times.endedAt));
    },
  };
}
