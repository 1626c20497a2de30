import type { CallbackSearch } from "@reelgate/catalogue/callback-search";
import type { Callback } from "@reelgate/shared/contract/recording";
import type { CommandIo, ExitCode } from "../command-io.ts";
import type { Ports } from "../ports.ts";
import { secondText } from "../text/quantities.ts";
import { createTable } from "../text/table.ts";
import type { Column } from "../text/table.ts";
import { printList } from "./list-pages.ts";

export interface CallbacksListFlags {
  search: CallbackSearch;
  /** Null for all. */
  limit: number | null;
  json: boolean;
}

const COLUMNS: readonly Column<Callback>[] = [
  { title: "ID", cell: ({ id }) => id },
  { title: "SETTLED", cell: ({ settledAt }) => secondText(settledAt) },
  { title: "OUTCOME", cell: ({ outcome }) => outcome },
  { title: "TYPE", cell: ({ eventType }) => eventType ?? "–", min: 4 },
  { title: "RECORDING", cell: ({ recordingId }) => recordingId ?? "–" },
  { title: "WHY", cell: reasonText, min: 12 },
];

/** Lists settled callbacks, the latest first. */
export async function callbacksList(
  flags: CallbacksListFlags,
  ports: Pick<Ports, "catalogue">,
  io: CommandIo,
): Promise<ExitCode> {
  const catalogue = await ports.catalogue();
  return await printList(
    (page) => catalogue.searchCallbacks(flags.search, page),
    createTable(COLUMNS, io.columns),
    { json: flags.json, limit: flags.limit, what: "callback" },
    io,
  );
}

function reasonText({ problems, conflicts, outcome }: Callback): string {
  const fields = outcome === "conflict" ? conflicts.map(({ field }) => field) : [];
  const reasons =
    outcome === "invalid"
      ? problems.map(({ path, message }) => (path === "" ? message : `${path} ${message}`))
      : [];
  return [...fields, ...reasons].join("; ");
}
