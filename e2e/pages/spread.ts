import type { CatalogueDatabase } from "@reelgate/catalogue/database";

const MINUTE_MS = 60_000;

/**
 * Gives what was seeded at once the times that it would have had: callbacks come over the last hour, verdicts a few
 * seconds after them. The catalogue itself takes these times from the clock.
 */
export async function spreadOverTime(db: CatalogueDatabase, nowMs: number): Promise<void> {
  const iso = (ms: number): string => new Date(ms).toISOString();
  const callbacks = await db.selectFrom("callbacks").select("seq").orderBy("seq").execute();
  for (const [index, { seq }] of callbacks.entries()) {
    // Far apart in the order of seeding is close in time: no outcome comes all at once.
    const part = ((index * 101) % callbacks.length) / callbacks.length;
    const wave = Math.sin(part * 9) * 6 + ((index * 7919) % 13) / 2;
    const settledMs = Math.min(nowMs - 500, nowMs - (1 - part) * 57 * MINUTE_MS + wave * 20_000);
    await db
      .updateTable("callbacks")
      .set({ settled_at: iso(settledMs) })
      .where("seq", "=", seq)
      .execute();
  }
  const verified = await db
    .selectFrom("recordings")
    .select(["id", "received_at"])
    .where("verified_at", "is not", null)
    .execute();
  for (const [index, { id, received_at }] of verified.entries()) {
    const receivedMs = Date.parse(received_at);
    const cataloguedMs = receivedMs + 35 + (index % 7) * 12;
    await db
      .updateTable("recordings")
      .set({
        catalogued_at: iso(cataloguedMs),
        verified_at: iso(cataloguedMs + 700 + ((index * 37) % 41) * 90),
      })
      .where("id", "=", id)
      .execute();
  }
}
