import { useQuery } from "@tanstack/react-query";
import { ArrowRight, Radio } from "lucide-react";
import { useState } from "react";
import type { ReactNode } from "react";
import type { Recording } from "@reelgate/shared/contract/recording";
import { fetchRecordings } from "../api/endpoints.ts";
import { counted } from "../format/quantities.ts";
import { Link } from "../routing/link.tsx";
import { streamPath } from "../routing/paths.ts";
import { navigate } from "../routing/router.ts";
import { SEARCH_FIELD } from "../search-key.ts";
import { PageHead } from "../ui/page-head.tsx";
import { EmptyState, ErrorState, Skeleton } from "../ui/states.tsx";
import { Age } from "../ui/time.tsx";

/** The streams of so many of the latest recordings are offered. */
const LATEST_RECORDINGS = 200;

/** The way to a stream: by its id, or one of those that were recorded last. */
export function StreamsPage(): ReactNode {
  const [streamId, setStreamId] = useState("");
  const latest = useQuery({
    queryKey: ["streams"],
    queryFn: ({ signal }) =>
      fetchRecordings({}, { cursor: null, limit: LATEST_RECORDINGS, signal }),
    refetchInterval: 10_000,
  });
  const streams = streamsOf(latest.data?.items ?? []);
  return (
    <>
      <PageHead
        title="Streams"
        tab="Streams"
        lead="A stream in time shows what is missing between its recordings."
      />
      <form
        className="go-form"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          if (streamId.trim() !== "") navigate(streamPath(streamId.trim()));
        }}
      >
        <label htmlFor={SEARCH_FIELD}>Id of a stream</label>
        <input
          id={SEARCH_FIELD}
          value={streamId}
          maxLength={512}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          onChange={(event) => setStreamId(event.target.value)}
        />
        <button type="submit" className="button button-primary">
          Show its timeline <ArrowRight size={16} aria-hidden="true" />
        </button>
      </form>
      <h2 className="section-title">Recorded last</h2>
      {latest.data === undefined && latest.error === null && <Skeleton lines={6} label="Loading" />}
      {latest.data === undefined && latest.error !== null && (
        <ErrorState error={latest.error} retry={() => void latest.refetch()} />
      )}
      {latest.data !== undefined && streams.length === 0 && (
        <EmptyState icon={Radio} title="No stream was recorded yet" />
      )}
      <ul className="streams">
        {streams.map((stream) => (
          <li key={stream.id}>
            <Link to={streamPath(stream.id)} className="stream-card">
              <span className="id-text">{stream.id}</span>
              <span className="muted stream-facts">
                <span>
                  {counted(stream.recordings, "recording")} in {stream.formats.join(", ")}
                </span>
                <span>
                  last started <Age iso={stream.lastStartedAt} />
                </span>
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {latest.data !== undefined && latest.data.nextCursor !== null && (
        <p className="muted">
          Those of the latest {LATEST_RECORDINGS} recordings are offered; any other is found by its
          id.
        </p>
      )}
    </>
  );
}

interface Stream {
  id: string;
  recordings: number;
  formats: string[];
  lastStartedAt: string;
}

/** In the order of the latest recording of each. */
function streamsOf(recordings: readonly Recording[]): Stream[] {
  return [...Map.groupBy(recordings, ({ streamId }) => streamId)].map(([id, members]) => ({
    id,
    recordings: members.length,
    formats: [...new Set(members.map(({ format }) => format.toUpperCase()))].toSorted(),
    lastStartedAt: members[0]?.startedAt ?? "",
  }));
}
