/**
 * Runs inside a dashboard's container (`node - COMMAND < catalogue.mjs`) and asks its API.
 *
 * `watch N` prints the number of settled callbacks each time that it has grown, until it is N; `snapshot` prints counts
 * and a digest of everything in the catalogue that does not change by itself.
 */
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

const user = process.env.DASHBOARD_USER || "admin";
const authorization = `Basic ${Buffer.from(`${user}:${process.env.DASHBOARD_PASSWORD}`).toString("base64")}`;

async function get(path) {
  const response = await fetch(`http://127.0.0.1:3000${path}`, { headers: { authorization } });
  if (response.status !== 200) throw new Error(`${path} answers ${response.status}`);
  return await response.json();
}

async function all(path) {
  const items = [];
  for (let cursor = ""; cursor !== null;) {
    const page = await get(
      `${path}?limit=200${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    items.push(...page.items);
    cursor = page.nextCursor;
  }
  return items;
}

if (process.argv[2] === "watch") {
  for (let shown = -1; shown < Number(process.argv[3]); await delay(100)) {
    // It cannot answer while Postgres is away.
    const total = await get("/api/stats").then(
      (stats) => stats.callbacks.total,
      () => shown,
    );
    if (total !== shown) process.stdout.write(`${total}\n`);
    shown = total;
  }
} else {
  const callbacks = (await all("/api/callbacks")).map(({ id, outcome, recordingId }) => [
    id,
    outcome,
    recordingId,
  ]);
  const recordings = (await all("/api/recordings")).map((recording) => [
    recording.id,
    recording.identity,
    recording.callbackCount,
    recording.conflictCount,
    // What is pending is tried again meanwhile.
    recording.state === "pending" || recording.state === "failed"
      ? null
      : [recording.media, recording.findings],
  ]);
  const digest = createHash("sha256")
    .update(JSON.stringify([callbacks, recordings]))
    .digest("hex");
  process.stdout.write(
    `${callbacks.length} callbacks, ${recordings.length} recordings, digest ${digest.slice(0, 16)}\n`,
  );
}
