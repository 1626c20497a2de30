import { Film, RotateCcw, SearchX } from "lucide-react";
import { useMemo, useState } from "react";
import type { ReactNode } from "react";
import type { Recording } from "@reelgate/shared/contract/recording";
import { fetchRecordings } from "../api/endpoints.ts";
import { readRecordingFilter, recordingsPath } from "../filters/recording-filter.ts";
import { RecordingFilters } from "../filters/recording-filters.tsx";
import { PAGE_ROWS, useLiveList } from "../live/use-live-list.ts";
import { BulkRetryDialog } from "../recordings/bulk-retry-dialog.tsx";
import { RecordingsTable } from "../recordings/recordings-table.tsx";
import { navigate } from "../routing/router.ts";
import { Arrivals } from "../ui/arrivals.tsx";
import { LoadMore } from "../ui/load-more.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { EmptyState, ErrorState, Skeleton } from "../ui/states.tsx";

/** Every recording, the latest start first, by filters that the address keeps. */
export function RecordingsPage({ search }: { search: string }): ReactNode {
  const filter = useMemo(() => readRecordingFilter(search), [search]);
  const key = recordingsPath(filter);
  const { list, error, isLoadingMore, loadMore, restart } = useLiveList<Recording>(
    key,
    (cursor, signal) => fetchRecordings(filter, { cursor, limit: PAGE_ROWS, signal }),
  );
  const [isRetrying, setRetrying] = useState(false);
  const isFiltered = key !== recordingsPath();
  return (
    <>
      <PageHead
        title="Recordings"
        tab="Recordings"
        lead="One row for each file that the provider made, the latest start first."
        actions={
          <button
            type="button"
            className="button"
            disabled={list === null || list.items.length === 0}
            onClick={() => setRetrying(true)}
          >
            <RotateCcw size={16} aria-hidden="true" /> Retry {isFiltered ? "these" : "all"} …
          </button>
        }
      />
      <RecordingFilters
        filter={filter}
        onChange={(next) => navigate(recordingsPath(next), { replace: isFiltered })}
      />
      {list !== null && list.items.length > 0 && (
        <>
          <Arrivals
            arrived={list.arrivedIds.size}
            one="recording"
            show={() => {
              window.scrollTo(0, 0);
              restart();
            }}
          />
          <RecordingsTable recordings={list.items} goneIds={list.goneIds} />
          <LoadMore
            shown={list.items.length}
            one="recording"
            hasMore={list.nextCursor !== null}
            isLoading={isLoadingMore}
            error={error}
            loadMore={loadMore}
          />
        </>
      )}
      {list === null && error === null && <Skeleton lines={12} label="Loading the recordings" />}
      {list === null && error !== null && <ErrorState error={error} retry={restart} />}
      {list !== null && list.items.length === 0 && (
        <NoRecordings isFiltered={isFiltered} arrived={list.arrivedIds.size} show={restart} />
      )}
      {isRetrying && (
        <BulkRetryDialog
          filter={filter}
          onClose={(somethingChanged) => {
            setRetrying(false);
            if (somethingChanged) restart();
          }}
        />
      )}
    </>
  );
}

interface NoRecordingsProps {
  isFiltered: boolean;
  arrived: number;
  show: () => void;
}

function NoRecordings({ isFiltered, arrived, show }: NoRecordingsProps): ReactNode {
  if (arrived > 0) return <Arrivals arrived={arrived} one="recording" show={show} />;
  if (isFiltered) {
    return (
      <EmptyState icon={SearchX} title="No recording matches">
        <p className="muted">Identifiers are compared as a whole, capitals included.</p>
        <button type="button" className="button" onClick={() => navigate("/recordings")}>
          Clear the filters
        </button>
      </EmptyState>
    );
  }
  return (
    <EmptyState icon={Film} title="No recording yet">
      <p className="muted">
        Point the provider’s recording callback at the ingress, or send some from the simulator:
      </p>
      <pre tabIndex={0}>npm run simulate -- --count 20 --scenario mixed --with-origin</pre>
      <p className="muted">They appear here by themselves.</p>
    </EmptyState>
  );
}
