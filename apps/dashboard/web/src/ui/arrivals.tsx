import { ArrowUp } from "lucide-react";
import type { ReactNode } from "react";
import { counted } from "../format/quantities.ts";

/** Says that rows have come, and shows them when asked to: nothing moves under the reader. */
export function Arrivals(props: { arrived: number; one: string; show: () => void }): ReactNode {
  const { arrived, one, show } = props;
  return (
    <div className="arrivals" role="status">
      {arrived > 0 && (
        <button type="button" className="button button-primary" onClick={show}>
          <ArrowUp size={16} aria-hidden="true" /> Show {counted(arrived, `new ${one}`)}
        </button>
      )}
    </div>
  );
}
