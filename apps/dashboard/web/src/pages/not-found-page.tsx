import { Compass } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "../routing/link.tsx";
import { PageHead } from "../ui/page-head.tsx";
import { EmptyState } from "../ui/states.tsx";

export function NotFoundPage(): ReactNode {
  return (
    <>
      <PageHead title="Not found" tab="Not found" />
      <EmptyState icon={Compass} title="There is no page at this address">
        <Link className="button" to="/recordings">
          Go to the recordings
        </Link>
      </EmptyState>
    </>
  );
}
