import { Inbox, SearchX } from "lucide-react";
import type { ReactNode } from "react";
import { OUTCOMES } from "@reelgate/shared/contract/recording";
import type { Callback } from "@reelgate/shared/contract/recording";
import { fetchCallbacks } from "../api/endpoints.ts";
import { CallbackList } from "../callbacks/callback-list.tsx";
import {
  callbackFilterQuery,
  callbacksPath,
  readCallbackFilter,
} from "../filters/callback-filter.ts";
import { ChoiceFilter } from "../filters/choice-filter.tsx";
import { TextFilter } from "../filters/text-filter.tsx";
import { PAGE_ROWS, useLiveList } from "../live/use-live-list.ts";
import { navigate } from "../routing/router.ts";
import { SEARCH_FIELD } from "../search-key.ts";
import { Arrivals } from "../ui/arrivals.tsx";
import { LoadMore } from "../ui/load-more.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { EmptyState, ErrorState, Skeleton } from "../ui/states.tsx";

const CHOICES = OUTCOMES.map((value) => ({ value, label: value }));

/** Every callback that was acknowledged, those that made no recording too. */
export function CallbacksPage({ search }: { search: string }): ReactNode {
  const filter = readCallbackFilter(search);
  const key = callbacksPath(filter);
  const { list, error, isLoadingMore, loadMore, restart } = useLiveList<Callback>(
    key,
    (cursor, signal) =>
      fetchCallbacks(callbackFilterQuery(filter), { cursor, limit: PAGE_ROWS, signal }),
  );
  const isFiltered = key !== callbacksPath({});
  const show = (next: typeof filter): void =>
    navigate(callbacksPath(next), { replace: isFiltered });
  return (
    <>
      <PageHead
        title="Callbacks"
        tab="Callbacks"
        lead="Everything that was acknowledged, with its one outcome, the latest settled first."
      />
      <search className="filters">
        <div className="filter-row filter-row-even">
          <ChoiceFilter
            label="Outcome"
            none="any outcome"
            value={filter.outcome}
            choices={CHOICES}
            onChange={(outcome) => show({ ...filter, outcome })}
          />
          <TextFilter
            id={SEARCH_FIELD}
            label="Event type"
            placeholder="100 is a recording"
            value={filter.eventType ?? ""}
            onChange={(value) => show({ ...filter, eventType: value === "" ? undefined : value })}
          />
          <TextFilter
            label="Recording"
            placeholder="Id of a recording"
            value={filter.recordingId ?? ""}
            onChange={(value) => show({ ...filter, recordingId: value === "" ? undefined : value })}
          />
        </div>
      </search>
      {list !== null && (
        <Arrivals
          arrived={list.arrivedIds.size}
          one="callback"
          show={() => {
            window.scrollTo(0, 0);
            restart();
          }}
        />
      )}
      {list !== null && list.items.length > 0 && (
        <>
          <CallbackList callbacks={list.items} withRecording />
          <LoadMore
            shown={list.items.length}
            one="callback"
            hasMore={list.nextCursor !== null}
            isLoading={isLoadingMore}
            error={error}
            loadMore={loadMore}
          />
        </>
      )}
      {list === null && error === null && <Skeleton lines={10} label="Loading the callbacks" />}
      {list === null && error !== null && <ErrorState error={error} retry={restart} />}
      {list !== null && list.items.length === 0 && (
        <EmptyState
          icon={isFiltered ? SearchX : Inbox}
          title={isFiltered ? "No callback matches" : "No callback yet"}
        >
          {isFiltered ? (
            <button type="button" className="button" onClick={() => show({})}>
              Clear the filters
            </button>
          ) : (
            <p className="muted">The first one appears here by itself.</p>
          )}
        </EmptyState>
      )}
    </>
  );
}
