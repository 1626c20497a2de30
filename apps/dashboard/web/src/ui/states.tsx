import { CloudOff, RefreshCw } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { errorText } from "../api/api-error.ts";

export interface EmptyStateProps {
  icon: LucideIcon;
  title: string;
  children?: ReactNode;
}

/** Where rows would be. */
export function EmptyState({ icon: Icon, title, children }: EmptyStateProps): ReactNode {
  return (
    <div className="empty">
      <Icon size={32} strokeWidth={1.5} aria-hidden="true" />
      <p className="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** Where something would be that could not be read. */
export function ErrorState({ error, retry }: { error: unknown; retry: () => void }): ReactNode {
  return (
    <div className="empty" role="alert">
      <CloudOff size={32} strokeWidth={1.5} aria-hidden="true" />
      <p className="empty-title">This could not be loaded</p>
      <p className="muted">{errorText(error)}</p>
      <button type="button" className="button" onClick={retry}>
        <RefreshCw size={16} aria-hidden="true" /> Try again
      </button>
    </div>
  );
}

/** Lines that hold the place of text which is on its way. */
export function Skeleton({
  lines = 3,
  label = "Loading",
}: {
  lines?: number;
  label?: string;
}): ReactNode {
  return (
    <div className="skeleton" role="status">
      <span className="visually-hidden">{label}</span>
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} className="skeleton-line" aria-hidden="true" />
      ))}
    </div>
  );
}
