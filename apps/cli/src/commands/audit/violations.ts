import type { CommandIo } from "../../command-io.ts";
import { printable } from "../../text/printable.ts";

/** Everything that an audit can find wrong, by its name. What each means, docs/cli.md says. */
export const VIOLATION_KINDS = [
  "callback_count_wrong",
  "conflict_count_wrong",
  "first_callback_missing",
  "recorded_twice",
  "recording_doubled",
  "callback_lost",
  "callback_failed",
  "callback_stuck",
  "body_altered",
  "media_job_missing",
  "media_job_orphaned",
] as const;
export type ViolationKind = (typeof VIOLATION_KINDS)[number];

export interface Violation {
  kind: ViolationKind;
  /** Of the callback (`cb-…`), the recording or the job. */
  id: string;
  /** Where it was found. */
  where: "catalogue" | "queue callbacks" | "queue media" | "acknowledged";
  detail: string;
}

/** Takes violations and prints them. */
export interface ViolationReport {
  add(violation: Violation): Promise<void>;
  /** Prints what was held back; call it when no progress is shown. */
  flush(): Promise<void>;
  count(): number;
}

/** Held back, so that they do not break a progress bar; and compared, since one job may be seen twice. */
const MAX_HELD = 1000;
const MAX_COMPARED = 100_000;

export function createViolationReport(json: boolean, io: CommandIo): ViolationReport {
  const seen = new Set<string>();
  let held: Violation[] = [];
  let count = 0;
  const flush = async (): Promise<void> => {
    const text = held.map((violation) => (json ? jsonLine(violation) : textLine(violation)));
    held = [];
    if (text.length > 0) await io.print(text.join(""));
  };
  return {
    async add(violation) {
      const key = `${violation.kind} ${violation.id}`;
      if (seen.has(key)) return;
      if (seen.size < MAX_COMPARED) seen.add(key);
      count += 1;
      held.push(violation);
      if (held.length >= MAX_HELD) await flush();
    },
    flush,
    count: () => count,
  };
}

const jsonLine = (violation: Violation): string =>
  `${JSON.stringify({ type: "violation", ...violation })}\n`;

function textLine({ kind, id, where, detail }: Violation): string {
  return `${kind}  ${printable(id)}  (${where}) ${printable(detail)}\n`;
}
