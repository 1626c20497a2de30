import { useQuery } from "@tanstack/react-query";
import { Inbox } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError } from "../api/api-error.ts";
import { fetchCallback } from "../api/endpoints.ts";
import { CallbackDetails } from "../callbacks/callback-details.tsx";
import { Link } from "../routing/link.tsx";
import { recordingPath } from "../routing/paths.ts";
import { OutcomeBadge } from "../ui/badges.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { EmptyState, ErrorState, Skeleton } from "../ui/states.tsx";

/** One callback. It never changes, so it is read once. */
export function CallbackPage({ id }: { id: string }): ReactNode {
  const { data, error, refetch } = useQuery({
    queryKey: ["callback", id],
    queryFn: ({ signal }) => fetchCallback(id, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const isMissing = error instanceof ApiError && error.status === 404;
  return (
    <>
      <PageHead
        title="Callback"
        tab="Callback"
        lead={
          data !== undefined && (
            <span className="badges">
              <OutcomeBadge outcome={data.outcome} />
              <span className="muted">event type {data.eventType ?? "not told"}</span>
            </span>
          )
        }
        actions={
          data !== undefined &&
          data.recordingId !== null && (
            <Link className="button" to={recordingPath(data.recordingId)}>
              Its recording
            </Link>
          )
        }
      />
      {data !== undefined && (
        <div className="panel">
          <CallbackDetails callback={data} />
        </div>
      )}
      {data === undefined && error === null && <Skeleton lines={12} label="Loading the callback" />}
      {isMissing && <EmptyState icon={Inbox} title="No callback has this id" />}
      {error !== null && !isMissing && data === undefined && (
        <ErrorState error={error} retry={() => void refetch()} />
      )}
    </>
  );
}
