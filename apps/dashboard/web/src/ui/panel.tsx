import { useId } from "react";
import type { ReactNode } from "react";

export interface PanelProps {
  title: string;
  /** On the line of the title, at its end. */
  aside?: ReactNode;
  className?: string;
  children: ReactNode;
}

/** One titled part of a page. */
export function Panel({ title, aside, className = "", children }: PanelProps): ReactNode {
  const id = useId();
  return (
    <section className={`panel ${className}`} aria-labelledby={id}>
      <header className="panel-head">
        <h2 id={id}>{title}</h2>
        {aside !== undefined && <div className="panel-aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

/** Names with their values, in the order of the object. One whose value is null is left out. */
export function Facts({ facts }: { facts: Readonly<Record<string, ReactNode>> }): ReactNode {
  return (
    <dl className="facts">
      {Object.entries(facts).map(
        ([name, value]) =>
          value !== null && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
