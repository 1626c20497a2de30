import type { AuditContext } from "./audit-context.ts";
import { withProgress } from "./audit-context.ts";

/** Rows of one statement: a tenth of a second of Postgres' time. */
const RECORDINGS_BATCH = 5000;
const BODIES_BATCH = 1000;

/** Holds every recording against the callbacks that name it, and against its doubles (guarantee G3). */
export async function checkRecordings(context: AuditContext, total: number): Promise<number> {
  const { catalogue, report } = context;
  return await withProgress(context, "Recordings", total, async (update) => {
    let checked = 0;
    let after = "0";
    for (;;) {
      const range = await catalogue.nextRange("recordings", after, RECORDINGS_BATCH);
      if (range === null) return checked;
      for (const { fault, recordingId, detail } of await catalogue.faultyRecordings(range)) {
        await report.add({ kind: fault, id: recordingId, where: "catalogue", detail });
      }
      checked += range.rows;
      after = range.last;
      update(Math.min(Number(after), total));
    }
  });
}

/** Computes the id of every callback from its body anew. */
export async function checkBodies(context: AuditContext, total: number): Promise<number> {
  const { catalogue, report } = context;
  return await withProgress(context, "Bodies", total, async (update) => {
    let checked = 0;
    let after = "0";
    for (;;) {
      const range = await catalogue.nextRange("callbacks", after, BODIES_BATCH);
      if (range === null) return checked;
      for (const id of await catalogue.alteredCallbacks(range)) {
        await report.add({
          kind: "body_altered",
          id,
          where: "catalogue",
          detail: "its body is not the one that its id was made of",
        });
      }
      checked += range.rows;
      after = range.last;
      update(Math.min(Number(after), total));
    }
  });
}
