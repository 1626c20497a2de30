import type { ReactNode } from "react";
import { usePageTitle } from "./use-page-title.ts";

export interface PageHeadProps {
  /** Also what the tab says, unless `tab` does. */
  title: ReactNode;
  tab: string;
  lead?: ReactNode;
  actions?: ReactNode;
}

/** The top of a page. The heading takes the focus when a link has led here. */
export function PageHead({ title, tab, lead, actions }: PageHeadProps): ReactNode {
  usePageTitle(tab);
  return (
    <div className="page-head">
      <div className="page-head-text">
        <h1 tabIndex={-1}>{title}</h1>
        {lead !== undefined && <p className="lead">{lead}</p>}
      </div>
      {actions !== undefined && <div className="page-actions">{actions}</div>}
    </div>
  );
}
