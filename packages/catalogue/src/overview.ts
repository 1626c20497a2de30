import { sql } from "kysely";
import type { RawBuilder } from "kysely";
import type { FindingKind } from "@reelgate/shared/contract/media";
import { LAG_STATIONS } from "@reelgate/shared/contract/overview";
import type { LagStation, Overview, Percentiles } from "@reelgate/shared/contract/overview";
import { OUTCOMES } from "@reelgate/shared/contract/recording";
import type { Outcome } from "@reelgate/shared/contract/recording";
import type { CatalogueDatabase } from "./database.ts";
import { catalogued } from "./failures.ts";

/** What the catalogue knows of the last minutes; the queues are Redis' matter. */
export type CatalogueOverview = Omit<Overview, "queues">;

/** Index entries that one question reads at most, whatever came in the window. */
const MAX_CALLBACKS_COUNTED = 1_000_000;
const MAX_FAILURES_COUNTED = 100_000;
export const MAX_LOOKS_COUNTED = 100_000;
/** These are rows, of a kilobyte each. */
export const MAX_VERIFIED = 10_000;

/**
 * What happened in the last `windowMinutes` minutes, the present one among them.
 *
 * Each question has an index and a bound of its own, so that a poll costs the same in a catalogue of any size. The
 * window is one of Postgres' clock, since that settles callbacks; workers note the times of looks by theirs.
 *
 * @throws AppError `catalogue_unavailable`.
 */
export async function overviewOf(
  db: CatalogueDatabase,
  windowMinutes: number,
): Promise<CatalogueOverview> {
  return await catalogued(async () => {
    const { rows } = await sql<{ now: string; from: string }>`
      select now() as now,
        date_trunc('minute', now()) - (${windowMinutes}::integer - 1) * interval '1 minute' as from`.execute(
      db,
    );
    const { now = "", from = "" } = rows[0] ?? {};
    const settled = await settledByMinute(db, from);
    const { lag, findings } = await verifiedSince(db, from);
    return {
      at: now,
      windowMinutes,
      minutes: everyMinute(from, windowMinutes, settled.counts),
      countedFrom: settled.countedFrom,
      lag,
      failures: (await failuresQuery().execute(db)).rows,
      failedLooks: (await failedLooksQuery(from).execute(db)).rows,
      findings,
    };
  });
}

interface MinuteRow {
  /** Its beginning. */
  minute: string;
  outcome: Outcome;
  callbacks: number;
  /** The earliest that was counted, of all minutes. */
  first: string;
  total: number;
}

/**
 * Callbacks by minute and outcome, from the index alone. A million entries took 0.7 s on two cores that had other work
 * too; with `extract`, which computes in numeric, 6 s.
 */
export function settledByMinuteQuery(from: string, limit: number): RawBuilder<MinuteRow> {
  return sql`
    select minute, outcome, count(*)::integer as callbacks,
      min(min(settled_at)) over () as first, sum(count(*)) over ()::integer as total
    from (
      select settled_at, outcome, date_bin('1 minute', settled_at, 'epoch') as minute from callbacks
      where settled_at >= ${from} order by settled_at desc, outcome desc limit ${limit}
    ) as latest group by minute, outcome`;
}

async function settledByMinute(
  db: CatalogueDatabase,
  from: string,
): Promise<{ counts: readonly MinuteRow[]; countedFrom: string | null }> {
  const { rows } = await settledByMinuteQuery(from, MAX_CALLBACKS_COUNTED).execute(db);
  const [one] = rows;
  const isCut = one !== undefined && one.total >= MAX_CALLBACKS_COUNTED;
  return { counts: rows, countedFrom: isCut ? one.first : null };
}

function everyMinute(
  from: string,
  windowMinutes: number,
  counts: readonly MinuteRow[],
): Overview["minutes"] {
  const firstMinute = Date.parse(from) / 60_000;
  const minutes = Array.from({ length: windowMinutes }, (_, n) => ({
    at: new Date((firstMinute + n) * 60_000).toISOString(),
    byOutcome: Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<
      Outcome,
      number
    >,
  }));
  for (const { minute, outcome, callbacks } of counts) {
    // What was settled while these questions were asked may be of the next minute.
    const place = Date.parse(minute) / 60_000 - firstMinute;
    const at = minutes[Math.min(place, windowMinutes - 1)];
    if (at !== undefined) at.byOutcome[outcome] += callbacks;
  }
  return minutes;
}

type VerifiedRow = { recordings: number; findings: Record<string, number> | null } & Record<
  LagStation,
  number[] | null
>;

const SPANS: Record<LagStation, RawBuilder<unknown>> = {
  endToReceived: sql`received_at - ended_at`,
  receivedToCatalogued: sql`catalogued_at - received_at`,
  cataloguedToVerified: sql`verified_at - catalogued_at`,
  endToVerified: sql`verified_at - ended_at`,
};

/**
 * Percentiles of the spans between the stations, and how many recordings have each finding, of the latest verified:
 * 10,000 of two million took 80 ms. A verdict that an operator's retry gave says nothing of how long the first one took:
 * of these only the findings count. The clocks are those of the provider, the ingress, Postgres and the worker: where they disagree, a span below 0 is 0.
 */
export function verifiedQuery(from: string): RawBuilder<VerifiedRow> {
  const spans = LAG_STATIONS.map(
    (station) => sql`
      percentile_disc(array[0.5, 0.99]) within group (order by greatest(0, date_part('epoch', ${SPANS[station]})))
        filter (where ${SPANS[station]} is not null and media_generation = 0) as ${sql.ref(station)}`,
  );
  return sql`
    with latest as materialized (
      select id, ended_at, received_at, catalogued_at, verified_at, findings, media_generation from recordings
      where verified_at is not null and verified_at >= ${from} order by verified_at desc limit ${MAX_VERIFIED})
    select count(*) filter (where media_generation = 0)::integer as recordings, ${sql.join(spans)}, (
      select jsonb_object_agg(kind, recordings) from (
        select finding ->> 'kind' as kind, count(distinct id) as recordings
        from latest, jsonb_array_elements(findings) as finding where findings <> '[]' group by 1
      ) as by_kind) as findings
    from latest`;
}

async function verifiedSince(
  db: CatalogueDatabase,
  from: string,
): Promise<Pick<Overview, "lag" | "findings">> {
  const { rows } = await verifiedQuery(from).execute(db);
  const row = rows[0];
  const lag = {
    recordings: row?.recordings ?? 0,
    ...(Object.fromEntries(
      LAG_STATIONS.map((station) => [station, percentiles(row?.[station] ?? null)]),
    ) as Record<LagStation, Percentiles | null>),
  };
  const findings = Object.entries(row?.findings ?? {})
    .map(([kind, recordings]) => ({ kind: kind as FindingKind, recordings }))
    .toSorted((a, b) => b.recordings - a.recordings || a.kind.localeCompare(b.kind));
  return { lag, findings };
}

/** `greatest` leaves nulls out: the filter keeps recordings without a station from counting as 0. */
function percentiles(values: number[] | null): Percentiles | null {
  const [p50S, p99S] = values ?? [];
  return p50S === undefined || p99S === undefined ? null : { p50S, p99S };
}

/**
 * Recordings that are failed now, by code. The codes are found by jumping from one to the next in the index, and of each
 * a bounded number is counted there.
 */
export function failuresQuery(): RawBuilder<Overview["failures"][number]> {
  return sql`
    with recursive code as (
      (select failure_code from recordings where state = 'failed' order by failure_code limit 1)
      union all
      select (select failure_code from recordings
        where state = 'failed' and failure_code > code.failure_code order by failure_code limit 1)
      from code where code.failure_code is not null)
    select failure_code as code, (select count(*)::integer from (
      select from recordings where state = 'failed' and recordings.failure_code = code.failure_code
      limit ${MAX_FAILURES_COUNTED}) as counted) as recordings
    from code where failure_code is not null order by recordings desc, code`;
}

/** Looks are inserted in the order in which they end, so that the latest stand together in the table: 0.1 s. */
export function failedLooksQuery(from: string): RawBuilder<Overview["failedLooks"][number]> {
  return sql`
    select failure_code as code, count(*)::integer as looks from (
      select failure_code from looks where ended_at >= ${from} order by ended_at desc limit ${MAX_LOOKS_COUNTED}
    ) as latest where failure_code is not null group by failure_code order by looks desc, code`;
}
