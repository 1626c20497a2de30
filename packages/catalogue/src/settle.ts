import { sql } from "kysely";
import type { Transaction } from "kysely";
import type { MediaJob } from "@reelgate/shared/contract/jobs";
import type { RecordingEvent } from "@reelgate/shared/contract/recording-event";
import type { Outcome, Problem } from "@reelgate/shared/contract/recording";
import { byteaArray } from "./binary-array.ts";
import type { CallbackEnd } from "./callback-end.ts";
import { callbackIdOf, digestOf } from "./callback-id.ts";
import { claimRecordings, countOnRecordings } from "./claim-recordings.ts";
import type { NamedRecording, RecordingClaim } from "./claim-recordings.ts";
import type { CatalogueDatabase } from "./database.ts";
import { catalogued, isRolledBackToRunAgain } from "./failures.ts";
import { insertCallbacks } from "./insert-callbacks.ts";
import type { CallbackFacts } from "./insert-callbacks.ts";
import type { Schema } from "./schema.ts";

/** What stage 1 found out about a callback from its body alone. */
export type Verdict =
  | { kind: "recording"; identity: string; event: RecordingEvent; tolerated: Problem[] }
  | { kind: "invalid"; problems: Problem[] }
  | { kind: "unsupported" };

/** One callback, ready to be settled. */
export interface CallbackToSettle extends CallbackFacts {
  verdict: Verdict;
}

export interface Settlement {
  outcome: Outcome;
  recordingId: string | null;
  /** True when this callback had its outcome already: nothing was changed. */
  repeated: boolean;
  /** The media job that the recording waits for; null when it waits for none. */
  mediaJob: MediaJob | null;
}

/** Runs of a transaction that Postgres rolls back to end a deadlock. */
const MAX_RUNS = 5;

/** Settles one callback: see {@link settleCallbacks}. */
export async function settleCallback(
  db: CatalogueDatabase,
  callback: CallbackToSettle,
): Promise<Settlement> {
  const [settlement] = await settleCallbacks(db, [callback]);
  if (settlement === undefined) throw new Error("a callback was not settled");
  return settlement;
}

/**
 * Gives each callback its one outcome, all of them in one transaction (guarantees G2 and G3): what each ends as is what
 * it would end as if they were settled one after the other, in their order. One settlement for each, in that order.
 *
 * All callbacks about one recording are serialised by its row ({@link claimRecordings}), which is claimed before it is
 * looked whether they were settled before. So of any number of runs of one callback, concurrent, in one batch or after a
 * crash, exactly one inserts it and counts it; the others find it and change nothing.
 *
 * The media job is not part of the transaction: Redis is not. It is named for every recording that is pending,
 * also for a repeated callback, so that a crash between commit and enqueue is mended by the run that follows.
 *
 * @throws AppError `catalogue_unavailable` (nothing was stored, try again) or `catalogue_rejected` (nothing was stored:
 * Postgres will never take one of these rows, whichever that is).
 */
export async function settleCallbacks(
  db: CatalogueDatabase,
  callbacks: readonly CallbackToSettle[],
): Promise<Settlement[]> {
  return await catalogued(async () => {
    const settled = new Map<string, Settlement>();
    let open = distinct(callbacks);
    for (let runs = 1; open.length > 0;) {
      try {
        for (const [id, settlement] of await db.transaction().execute((tx) => settleIn(tx, open))) {
          settled.set(id, settlement);
        }
        break;
      } catch (error) {
        if (error instanceof SettledUnderAnotherIdentity) {
          for (const [id, settlement] of await settledBefore(db, error.ids)) {
            settled.set(id, settlement);
          }
          open = open.filter(({ id }) => !settled.has(id));
        } else if (!isRolledBackToRunAgain(error) || ++runs > MAX_RUNS) throw error;
      }
    }
    const given = new Set<string>();
    return callbacks.map(({ id }) => {
      const settlement = required(settled.get(id));
      if (given.has(id)) return { ...settlement, repeated: true };
      given.add(id);
      return settlement;
    });
  });
}

/** The first of each id. */
function distinct(callbacks: readonly CallbackToSettle[]): CallbackToSettle[] {
  const byId = new Map<string, CallbackToSettle>();
  for (const callback of callbacks) {
    if (!byId.has(callback.id)) byId.set(callback.id, callback);
  }
  return [...byId.values()];
}

/**
 * Rolls back: callbacks were settled by a version that identified recordings by another rule, so their recordings exist
 * under another identity, and a second row for them must not come to be. The rest of the batch is settled without them:
 * what was judged by those rows is judged anew.
 */
class SettledUnderAnotherIdentity extends Error {
  readonly ids: readonly string[];
  constructor(ids: readonly string[]) {
    super("settled under another identity");
    this.ids = ids;
  }
}

interface JudgedCallback {
  callback: CallbackToSettle;
  end: CallbackEnd;
  /** Null for a callback that names no recording. */
  claim: RecordingClaim | null;
}

/** @param callbacks each of another id. */
async function settleIn(
  tx: Transaction<Schema>,
  callbacks: readonly CallbackToSettle[],
): Promise<Map<string, Settlement>> {
  const judged = inInsertOrder(await claimFor(tx, callbacks));
  const inserted = await insertCallbacks(tx, judged);
  const isNew = ({ callback }: JudgedCallback): boolean => inserted.has(callback.id);
  const known = judged.filter((one) => !isNew(one));
  const misnamed = known.filter(({ claim }) => claim?.outcome === "recorded");
  if (misnamed.length > 0) {
    throw new SettledUnderAnotherIdentity(misnamed.map(({ callback }) => callback.id));
  }
  await countOnRecordings(
    tx,
    judged.filter(isNew).flatMap(({ claim }) => claim ?? []),
  );
  const before = await settledBefore(
    tx,
    known.map(({ callback }) => callback.id),
  );
  return new Map(
    judged.map((one) => {
      const { callback, end, claim } = one;
      const mediaJob = claim?.mediaJob ?? null;
      const { outcome, recordingId } = isNew(one) ? end : required(before.get(callback.id));
      return [callback.id, { outcome, recordingId, repeated: !isNew(one), mediaJob }];
    }),
  );
}

async function claimFor(
  tx: Transaction<Schema>,
  callbacks: readonly CallbackToSettle[],
): Promise<JudgedCallback[]> {
  const named = callbacks.flatMap(({ verdict, receivedAtMs }): NamedRecording[] =>
    verdict.kind === "recording" ? [{ ...verdict, receivedAtMs }] : [],
  );
  const claims = (await claimRecordings(tx, named)).values();
  return callbacks.map((callback) => {
    const { verdict } = callback;
    switch (verdict.kind) {
      case "recording": {
        const claim = required(claims.next().value);
        const { outcome, recordingId, conflicts } = claim;
        return {
          callback,
          claim,
          end: { outcome, recordingId, conflicts, problems: verdict.tolerated },
        };
      }
      case "invalid":
        return { callback, claim: null, end: withoutRecording("invalid", verdict.problems) };
      case "unsupported":
        return { callback, claim: null, end: withoutRecording("unsupported", []) };
      default:
        return verdict satisfies never;
    }
  });
}

function withoutRecording(outcome: "invalid" | "unsupported", problems: Problem[]): CallbackEnd {
  return { outcome, recordingId: null, problems, conflicts: [] };
}

/**
 * Callbacks of recordings as they came, so that the numbers of their rows tell which came first: whoever inserts the
 * same ones at the same time waits at their recordings already. The others have nothing but their digests to wait at,
 * which everybody therefore takes in one order.
 */
function inInsertOrder(judged: readonly JudgedCallback[]): JudgedCallback[] {
  const ofRecordings = judged.filter(({ claim }) => claim !== null);
  const others = judged.filter(({ claim }) => claim === null);
  return [...ofRecordings, ...others.toSorted((a, b) => (a.callback.id < b.callback.id ? -1 : 1))];
}

/** The outcomes of callbacks that were settled before, by id. They name no media job: only a claim knows the state. */
async function settledBefore(
  db: CatalogueDatabase,
  ids: readonly string[],
): Promise<Map<string, Settlement>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql<{ digest: Buffer; outcome: Outcome; recording_id: string | null }>`
    select digest, outcome, recording_id from callbacks where digest = any(${byteaArray(ids.map(digestOf))}::bytea[])`.execute(
    db,
  );
  return new Map(
    rows.map(({ digest, outcome, recording_id }) => [
      callbackIdOf(digest),
      { outcome, recordingId: recording_id, repeated: true, mediaJob: null },
    ]),
  );
}

function required<T>(found: T | undefined): T {
  if (found === undefined) throw new Error("a callback that is there was not found");
  return found;
}
