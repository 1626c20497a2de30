import type { Look } from "@reelgate/shared/contract/recording";
import { redactText } from "@reelgate/shared/redact";
import type { CatalogueDatabase } from "./database.ts";

/** An origin that fails for days makes dozens of looks a day; the latest tell what there is to know. */
const MAX_LOOKS_SHOWN = 200;

/** The looks at a recording's file, the latest first. */
export async function looksOfRecording(
  db: CatalogueDatabase,
  recordingId: string,
): Promise<Look[]> {
  const rows = await db
    .selectFrom("looks")
    .selectAll()
    .where("recording_id", "=", recordingId)
    .orderBy("id", "desc")
    .limit(MAX_LOOKS_SHOWN)
    .execute();
  return rows.map((row) => ({
    generation: row.generation,
    result: row.result,
    endedAt: row.ended_at,
    durationMs: row.duration_ms === null ? null : Number(row.duration_ms),
    final: row.final,
    code: row.failure_code,
    message: row.failure_message === null ? null : redactText(row.failure_message),
  }));
}
