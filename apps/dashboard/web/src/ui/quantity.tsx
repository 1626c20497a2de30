import type { ReactNode } from "react";
import { exactBytes, exactDuration, humanBytes, humanDuration } from "../format/quantities.ts";

export function Bytes({ value }: { value: number }): ReactNode {
  return (
    <span className="nums" title={exactBytes(value)}>
      {humanBytes(value)}
    </span>
  );
}

export function Duration({ seconds }: { seconds: number }): ReactNode {
  return (
    <span className="nums" title={exactDuration(seconds)}>
      {humanDuration(seconds)}
    </span>
  );
}

/** What is not known, or was not told. */
export function Nothing({ why }: { why: string }): ReactNode {
  return (
    <span className="muted">
      <span aria-hidden="true">–</span>
      <span className="visually-hidden">{why}</span>
    </span>
  );
}
