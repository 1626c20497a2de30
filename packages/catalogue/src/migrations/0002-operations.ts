import { sql } from "kysely";
import type { Kysely } from "kysely";

/**
 * What an operator asks of a catalogue that is in use.
 *
 * - `looks`: the history of a recording. The row of the recording has the last failure alone.
 * - `catalogued_at`, `verified_at`: with `ended_at` and `received_at` the stations of a recording, for the lag between
 *   them. Both are null for recordings that were there before, of which nobody noted it.
 * - `pruned_callbacks`: callbacks that retention removed. `callback_count` counts them still, so that an audit can tell
 *   what was removed on purpose from what is missing.
 *
 * Nobody reads or writes recordings while this runs, so it only describes: the table is not rewritten (a default that
 * is not constant is set after the column is there, and another collation leaves the values as they are), and its
 * indexes are made by later migrations, under a weaker lock. The strongest lock comes first: to ask for it with a weaker
 * one in hand is a deadlock with whoever has read and is about to write.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table recordings
      add column catalogued_at timestamptz,
      add column verified_at timestamptz,
      add column pruned_callbacks integer not null default 0,
      alter column failure_code type text collate "C"`.execute(db);
  await sql`alter table recordings alter column catalogued_at set default now()`.execute(db);
  await sql`
    create table looks (
      id bigint generated always as identity primary key,
      recording_id bigint not null references recordings (id) on delete cascade,
      generation integer not null,
      ended_at timestamptz not null default now(),
      duration_ms bigint,
      result text collate "C" not null check (result in ('indexed', 'stored', 'failed')),
      final boolean not null,
      failure_code text collate "C",
      failure_message text,
      check ((result = 'failed') = (failure_code is not null)),
      check (final or result = 'failed')
    )`.execute(db);
  await sql`create index looks_by_recording on looks (recording_id, id)`.execute(db);
  await sql`create index looks_by_ended_at on looks (ended_at)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table looks`.execute(db);
  await sql`
    alter table recordings
      drop column catalogued_at, drop column verified_at, drop column pruned_callbacks,
      alter column failure_code type text collate "default"`.execute(db);
}
