import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Unplug } from "lucide-react";
import { useState } from "react";
import type { ReactNode } from "react";
import { fetchOverview, fetchStats } from "../api/endpoints.ts";
import { failureWords } from "../failures/failure-words.ts";
import { recordingsPath } from "../filters/recording-filter.ts";
import { FINDING_WORDS, SEVERITY_WORDS, severityOf } from "../findings/finding-words.ts";
import { localTime } from "../format/times.ts";
import { useNow } from "../live/use-now.ts";
import { LagPanel } from "../overview/lag-panel.tsx";
import { OutcomeChart } from "../overview/outcome-chart.tsx";
import { QueuesPanel } from "../overview/queues-panel.tsx";
import { Ranking } from "../overview/ranking.tsx";
import { Totals } from "../overview/totals.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { Panel } from "../ui/panel.tsx";
import { ErrorState, Skeleton } from "../ui/states.tsx";
import { Age } from "../ui/time.tsx";

const WINDOWS = [
  { minutes: 60, label: "1 hour" },
  { minutes: 360, label: "6 hours" },
  { minutes: 1440, label: "1 day" },
] as const;

/** Each question of the overview is bounded; paused by the query client while the page is hidden. */
const POLL_MS = 4000;

/** The totals read whole indexes, so that their cost grows with the catalogue. */
const TOTALS_POLL_MS = 60_000;

/** After this without an answer the numbers are said to be old; milliseconds. */
const STALE_MS = 20_000;

/** What comes in, what waits, and what goes wrong. */
export function OverviewPage(): ReactNode {
  const [minutes, setMinutes] = useState<number>(60);
  const overview = useQuery({
    queryKey: ["overview", minutes],
    queryFn: ({ signal }) => fetchOverview(minutes, signal),
    refetchInterval: POLL_MS,
    placeholderData: keepPreviousData,
  });
  const stats = useQuery({
    queryKey: ["stats"],
    queryFn: ({ signal }) => fetchStats(signal),
    refetchInterval: ({ state }) => (state.status === "error" ? POLL_MS : TOTALS_POLL_MS),
  });
  const nowMs = useNow();
  const isStale = overview.data !== undefined && nowMs - overview.dataUpdatedAt > STALE_MS;
  const { data } = overview;
  return (
    <>
      <PageHead
        title="Overview"
        tab="Overview"
        lead={
          overview.dataUpdatedAt === 0 ? (
            "Loading"
          ) : (
            <span className={isStale ? "stale" : undefined}>
              {isStale ? "Not updated since " : "Updated "}
              <Age iso={new Date(overview.dataUpdatedAt).toISOString()} />
            </span>
          )
        }
        actions={
          <div className="segmented" role="group" aria-label="Time that is shown">
            {WINDOWS.map((window) => (
              <button
                key={window.minutes}
                type="button"
                aria-pressed={minutes === window.minutes}
                onClick={() => setMinutes(window.minutes)}
              >
                {window.label}
              </button>
            ))}
          </div>
        }
      />
      <Totals stats={stats.data} />
      {data !== undefined && Object.keys(data.queues).length === 0 && (
        <div className="banner banner-warn" role="status">
          <Unplug size={18} aria-hidden="true" />
          <p>
            <strong>Redis is away.</strong> The ingress keeps callbacks in its spool on its own
            disk; without a spool it answers 503 and the provider repeats. Nothing that was
            acknowledged is lost. Retries are queued when Redis is back.
          </p>
        </div>
      )}
      {data === undefined && overview.isError && (
        <ErrorState error={overview.error} retry={() => void overview.refetch()} />
      )}
      {data === undefined && !overview.isError && (
        <Skeleton lines={10} label="Loading the overview" />
      )}
      {data !== undefined && (
        <div className="overview-grid">
          <Panel title="Callbacks per minute" className="wide">
            {data.countedFrom !== null && (
              <p className="muted">
                Those before {localTime(data.countedFrom)} are too many to be counted here.
              </p>
            )}
            <OutcomeChart minutes={data.minutes} />
          </Panel>
          <div className="column">
            <QueuesPanel queues={data.queues} />
            <Panel
              title="Failures"
              aside={<span className="muted">recordings that are failed now</span>}
            >
              <Ranking
                empty="No recording is failed."
                rows={data.failures.map(({ code, recordings }) => ({
                  key: code,
                  label: <code>{code}</code>,
                  note: failureWords(code)?.meaning,
                  value: recordings,
                  to: recordingsPath({ state: "failed" }),
                }))}
              />
            </Panel>
          </div>
          <div className="column">
            <LagPanel lag={data.lag} />
            <Panel
              title="Findings"
              aside={<span className="muted">recordings verified in this time</span>}
            >
              <Ranking
                empty="None among the recordings that were verified in this time. What could not be verified is under failures."
                rows={data.findings.map(({ kind, recordings }) => ({
                  key: kind,
                  label: FINDING_WORDS[kind].title,
                  note: `${SEVERITY_WORDS[severityOf({ kind })].title}: ${FINDING_WORDS[kind].meaning}`,
                  value: recordings,
                  to: recordingsPath({ finding: kind }),
                }))}
              />
            </Panel>
            {data.failedLooks.length > 0 && (
              <Panel
                title="Failed looks"
                aside={<span className="muted">attempts in this time</span>}
              >
                <Ranking
                  empty=""
                  rows={data.failedLooks.map(({ code, looks }) => ({
                    key: code,
                    label: <code>{code}</code>,
                    value: looks,
                  }))}
                />
              </Panel>
            )}
          </div>
        </div>
      )}
    </>
  );
}
