import { sql } from "kysely";
import type { Transaction } from "kysely";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import type { Outcome } from "@reelgate/shared/contract/recording";
import { endColumns } from "./callback-end.ts";
import type { CallbackEnd } from "./callback-end.ts";
import { digestOf } from "./callback-id.ts";
import { claimRecordings, countOnRecordings } from "./claim-recordings.ts";
import type { CatalogueDatabase } from "./database.ts";
import { catalogued } from "./failures.ts";
import type { Schema } from "./schema.ts";
import type { CallbackToSettle } from "./settle.ts";

/** What a second judgement of a settled callback came to. */
export type Replay =
  /** It had no recording, and the new judgement differs: its row says the new outcome now. */
  | { kind: "changed"; before: Outcome; outcome: Outcome; mediaJob: MediaJob | null }
  /** Nothing was changed. `mediaJob` is that of a recording that is pending. */
  | { kind: "unchanged"; outcome: Outcome; mediaJob: MediaJob | null }
  /** No such callback was settled, or retention removed it. */
  | { kind: "unknown" };

/**
 * Gives a settled callback the outcome of its new judgement, if it was invalid or unsupported and the judgement differs.
 * A callback that names a recording keeps its outcome for ever.
 *
 * In one transaction, and in one statement on the callback's own row: it has exactly one outcome at every instant
 * (guarantee G2), however many runs there are at once and wherever one is killed. The row gets a new number and time, so
 * that it stands among the latest again.
 *
 * @throws AppError `catalogue_unavailable` (nothing was changed, try again) or `catalogue_rejected` (nothing was changed:
 * Postgres will never take the new row).
 */
export async function replayCallback(
  db: CatalogueDatabase,
  callback: CallbackToSettle,
): Promise<Replay> {
  return await catalogued(async () => {
    const before = await settledAs(db, callback.id);
    if (before === null) return { kind: "unknown" };
    if (before.outcome !== "invalid" && before.outcome !== "unsupported") return unchanged(before);
    try {
      return await db.transaction().execute((tx) => replayIn(tx, callback, before.outcome));
    } catch (error) {
      if (!(error instanceof ReplayedMeanwhile)) throw error;
      const now = await settledAs(db, callback.id);
      return now === null ? { kind: "unknown" } : unchanged(now);
    }
  });
}

/** Rolls back a recording that was claimed for a callback that another run, or retention, was faster with. */
class ReplayedMeanwhile extends Error {}

async function replayIn(
  tx: Transaction<Schema>,
  callback: CallbackToSettle,
  before: Outcome,
): Promise<Replay> {
  const { verdict } = callback;
  switch (verdict.kind) {
    case "recording": {
      const { receivedAtMs } = callback;
      const claims = await claimRecordings(tx, [{ ...verdict, receivedAtMs }]);
      const [claim] = claims;
      if (claim === undefined) throw new Error("a callback that names a recording claimed none");
      const { outcome, recordingId, conflicts, mediaJob } = claim;
      const end = { outcome, recordingId, conflicts, problems: verdict.tolerated };
      if (!(await replaceEnd(tx, callback, end))) throw new ReplayedMeanwhile();
      await countOnRecordings(tx, claims);
      return { kind: "changed", before, outcome, mediaJob };
    }
    case "invalid":
      return await withoutRecording(tx, callback, before, {
        outcome: "invalid",
        problems: verdict.problems,
      });
    case "unsupported":
      return await withoutRecording(tx, callback, before, { outcome: "unsupported", problems: [] });
    default:
      return verdict satisfies never;
  }
}

async function withoutRecording(
  tx: Transaction<Schema>,
  callback: CallbackToSettle,
  before: Outcome,
  end: Pick<CallbackEnd, "outcome" | "problems">,
): Promise<Replay> {
  const replaced = await replaceEnd(tx, callback, { ...end, recordingId: null, conflicts: [] });
  if (replaced) return { kind: "changed", before, outcome: end.outcome, mediaJob: null };
  const now = await settledAs(tx, callback.id);
  return now === null ? { kind: "unknown" } : unchanged(now);
}

/** False when the callback is not there, names a recording, or says all of this already. */
async function replaceEnd(
  tx: Transaction<Schema>,
  callback: CallbackToSettle,
  end: CallbackEnd,
): Promise<boolean> {
  const columns = endColumns(callback, end);
  const { numAffectedRows } = await sql`
    update callbacks set seq = default, settled_at = now(), outcome = ${columns.outcome},
      event_type = ${columns.event_type}, recording_id = ${columns.recording_id},
      problems = ${columns.problems}, conflicts = ${columns.conflicts},
      unknown_fields = ${columns.unknown_fields}
    where digest = ${digestOf(callback.id)} and outcome in ('invalid', 'unsupported')
      and (outcome, event_type, problems, unknown_fields) is distinct from
        (${columns.outcome}, ${columns.event_type}, ${columns.problems}::jsonb, ${columns.unknown_fields}::jsonb)`.execute(
    tx,
  );
  return numAffectedRows === 1n;
}

interface SettledAs {
  outcome: Outcome;
  mediaJob: MediaJob | null;
}

async function settledAs(db: CatalogueDatabase, id: string): Promise<SettledAs | null> {
  const row = await db
    .selectFrom("callbacks")
    .leftJoin("recordings", (join) =>
      join
        .onRef("recordings.id", "=", "callbacks.recording_id")
        .on("recordings.state", "=", "pending"),
    )
    .select(["callbacks.outcome", "recordings.id", "recordings.media_generation"])
    .where("digest", "=", digestOf(id))
    .executeTakeFirst();
  if (row === undefined) return null;
  const { outcome, id: recordingId, media_generation: generation } = row;
  return {
    outcome,
    mediaJob: recordingId === null || generation === null ? null : { recordingId, generation },
  };
}

const unchanged = ({ outcome, mediaJob }: SettledAs): Replay => ({
  kind: "unchanged",
  outcome,
  mediaJob,
});
