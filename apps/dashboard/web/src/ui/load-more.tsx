import { useEffect, useRef } from "react";
import type { ReactNode } from "react";
import { errorText } from "../api/api-error.ts";
import { counted } from "../format/quantities.ts";

export interface LoadMoreProps {
  shown: number;
  /** What one row is called. */
  one: string;
  hasMore: boolean;
  isLoading: boolean;
  error: unknown;
  loadMore: () => void;
}

/** The end of a list: reads on when the reader comes near, and by a button for who does not scroll. */
export function LoadMore(props: LoadMoreProps): ReactNode {
  const { shown, one, hasMore, isLoading, error, loadMore } = props;
  const end = useRef<HTMLDivElement>(null);
  const failed = error !== null;
  useEffect(() => {
    if (!hasMore || isLoading || failed || end.current === null) return;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) loadMore();
      },
      { rootMargin: "400px" },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [hasMore, isLoading, failed, loadMore]);
  return (
    <div ref={end} className="load-more">
      <span className="muted nums" role="status">
        {counted(shown, one)}
        {hasMore ? " so far" : ", no more follow"}
      </span>
      {failed && (
        <span className="load-error" role="alert">
          {errorText(error)}
        </span>
      )}
      {hasMore && (
        <button type="button" className="button" disabled={isLoading} onClick={loadMore}>
          {isLoading ? "Loading …" : "Load more"}
        </button>
      )}
    </div>
  );
}
