import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { FileVideo, RotateCcw } from "lucide-react";
import { useState } from "react";
import type { ReactNode } from "react";
import type { RecordingWithCallbacks } from "@reelgate/shared/contract/recording";
import { ApiError, errorText } from "../api/api-error.ts";
import { fetchAbout, fetchRecording, retryRecording } from "../api/endpoints.ts";
import { CallbackList } from "../callbacks/callback-list.tsx";
import { callbacksPath } from "../filters/callback-filter.ts";
import { PlayerPanel } from "../player/player-panel.tsx";
import { playableSources } from "../player/sources.ts";
import { ComparePanel } from "../recording/compare-panel.tsx";
import { FailurePanel } from "../recording/failure-panel.tsx";
import { FindingsPanel } from "../recording/findings-panel.tsx";
import { IdentityPanel } from "../recording/identity-panel.tsx";
import { LooksPanel } from "../recording/looks-panel.tsx";
import { StoredPanel } from "../recording/stored-panel.tsx";
import { Link } from "../routing/link.tsx";
import { streamPath } from "../routing/paths.ts";
import { FindingsBadge, StateBadge } from "../ui/badges.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { Panel } from "../ui/panel.tsx";
import { EmptyState, ErrorState, Skeleton } from "../ui/states.tsx";
import { Time } from "../ui/time.tsx";

/** A pending recording is about to change; the others change by a retry or a callback. Milliseconds. */
const PENDING_POLL_MS = 1500;
const POLL_MS = 6000;

/** One recording with everything that is known of it. */
export function RecordingPage({ id }: { id: string }): ReactNode {
  const { data, error, refetch } = useQuery({
    queryKey: ["recording", id],
    queryFn: ({ signal }) => fetchRecording(id, signal),
    refetchInterval: ({ state }) => (state.data?.state === "pending" ? PENDING_POLL_MS : POLL_MS),
  });
  const isMissing = error instanceof ApiError && error.status === 404;
  return (
    <>
      <PageHead
        title={<span className="id-text">{data?.streamId ?? "Recording"}</span>}
        tab={data?.streamId ?? "Recording"}
        lead={data !== undefined && <RecordingLead recording={data} />}
        actions={data !== undefined && <RetryButton recording={data} />}
      />
      {data !== undefined && <RecordingView recording={data} />}
      {data === undefined && error === null && (
        <Skeleton lines={14} label="Loading the recording" />
      )}
      {data === undefined && isMissing && (
        <EmptyState icon={FileVideo} title="No recording has this id">
          <Link className="button" to="/recordings">
            Go to the recordings
          </Link>
        </EmptyState>
      )}
      {data === undefined && error !== null && !isMissing && (
        <ErrorState error={error} retry={() => void refetch()} />
      )}
    </>
  );
}

function RecordingLead({ recording }: { recording: RecordingWithCallbacks }): ReactNode {
  const { streamId, startedAt } = recording;
  return (
    <span className="badges">
      <StateBadge state={recording.state} />
      <FindingsBadge findings={recording.findings} />
      <span className="format-tag">{recording.format}</span>
      <Time iso={startedAt} withAge />
      <Link to={streamPath(streamId, `at=${encodeURIComponent(startedAt)}`)}>
        On the stream’s timeline
      </Link>
    </span>
  );
}

function RecordingView({ recording }: { recording: RecordingWithCallbacks }): ReactNode {
  const about = useQuery({
    queryKey: ["about"],
    queryFn: ({ signal }) => fetchAbout(signal),
    staleTime: 300_000,
  });
  const sources = playableSources(recording, about.data ?? null);
  const { callbacks } = recording;
  return (
    <>
      <FailurePanel recording={recording} />
      <div className="recording-grid">
        <div className="recording-main">
          <PlayerPanel recording={recording} sources={sources} about={about.data ?? null} />
          <FindingsPanel recording={recording} />
          <LooksPanel looks={recording.looks} />
          <Panel
            title={`Callbacks (${recording.callbackCount})`}
            aside={
              recording.conflictCount > 0 && (
                <span className="warn">
                  {recording.conflictCount} in conflict; none changed the recording
                </span>
              )
            }
          >
            <CallbackList callbacks={callbacks} withRecording={false} />
            {recording.callbackCount > callbacks.length && (
              <p className="panel-note">
                The first {callbacks.length} are shown.{" "}
                <Link to={callbacksPath({ recordingId: recording.id })}>See all</Link>
              </p>
            )}
          </Panel>
        </div>
        <div className="recording-side">
          <ComparePanel recording={recording} />
          {recording.stored !== null && (
            <StoredPanel stored={recording.stored} copyUrl={sources.download} />
          )}
          <IdentityPanel recording={recording} sourceUrl={sources.provider?.url ?? null} />
        </div>
      </div>
    </>
  );
}

function RetryButton({ recording }: { recording: RecordingWithCallbacks }): ReactNode {
  const queries = useQueryClient();
  const [said, setSaid] = useState("");
  const retry = useMutation({
    mutationFn: () => retryRecording(recording.id),
    onSuccess: () => setSaid("Its file will be looked at again."),
    onError: (error) => setSaid(errorText(error)),
    onSettled: () => queries.invalidateQueries({ queryKey: ["recording", recording.id] }),
  });
  const isPending = recording.state === "pending";
  return (
    <>
      <span role="status" className="muted retry-said">
        {said}
      </span>
      <button
        type="button"
        className="button button-primary"
        disabled={isPending || retry.isPending}
        title={isPending ? "A look at its file is on its way already" : undefined}
        onClick={() => retry.mutate()}
      >
        <RotateCcw size={16} aria-hidden="true" />
        {isPending ? "Being looked at" : "Retry"}
      </button>
    </>
  );
}
