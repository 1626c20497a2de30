import type { RecordingFilter } from "@reelgate/catalogue/recordings";
import type { Recording } from "@reelgate/shared/contract/recording";
import type { CommandIo, ExitCode } from "../command-io.ts";
import type { Ports } from "../ports.ts";
import { secondText } from "../text/quantities.ts";
import { createTable } from "../text/table.ts";
import type { Column } from "../text/table.ts";
import { printList } from "./list-pages.ts";

export interface RecordingsListFlags {
  filter: RecordingFilter;
  /** Null for all. */
  limit: number | null;
  json: boolean;
}

const COLUMNS: readonly Column<Recording>[] = [
  { title: "ID", cell: ({ id }) => id },
  { title: "STARTED", cell: ({ startedAt }) => secondText(startedAt) },
  { title: "STATE", cell: ({ state }) => state },
  { title: "FORMAT", cell: ({ format }) => format },
  { title: "LENGTH", cell: lengthText, right: true },
  { title: "CALLBACKS", cell: callbacksText, right: true },
  {
    title: "STREAM",
    cell: ({ app, appname, streamId }) => [app, appname, streamId].filter(Boolean).join("/"),
    min: 12,
  },
  { title: "WHAT IS WRONG", cell: wrongText, min: 14 },
];

/** Lists recordings, the latest start first. */
export async function recordingsList(
  flags: RecordingsListFlags,
  ports: Pick<Ports, "catalogue">,
  io: CommandIo,
): Promise<ExitCode> {
  const catalogue = await ports.catalogue();
  return await printList(
    (page) => catalogue.listRecordings(flags.filter, page),
    createTable(COLUMNS, io.columns),
    { json: flags.json, limit: flags.limit, what: "recording" },
    io,
  );
}

/** What is really there, where that is known; else what was declared. */
function lengthText({ media, declared }: Recording): string {
  const seconds = media?.durationS ?? declared.durationS;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return `${hours}:${String(minutes).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
}

function callbacksText({ callbackCount, conflictCount }: Recording): string {
  return conflictCount === 0
    ? String(callbackCount)
    : `${callbackCount} (${conflictCount} conflict)`;
}

function wrongText({ failure, findings }: Recording): string {
  const kinds = [...new Set(findings.map(({ kind }) => kind))];
  return [...(failure === null ? [] : [failure.code]), ...kinds].join(", ");
}
