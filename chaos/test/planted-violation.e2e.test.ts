import { readdir, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runChaos } from "../src/chaos.ts";
import type { AtRest } from "../src/chaos.ts";
import { exitCodeOf, reportText } from "../src/report.ts";

const quiet = { start: () => {}, update: () => {}, stop: () => {} };

/** What each of the planted ones is called where the report names it. */
interface Planted {
  lostCallback: string;
  doubledRecording: string;
  cutFile: string;
}

async function plant({ db, place }: AtRest): Promise<Planted> {
  const lost = await db
    .deleteFrom("callbacks")
    .where("seq", "=", (query) =>
      query.selectFrom("callbacks").select("seq").where("outcome", "=", "invalid").limit(1),
    )
    .returning("digest")
    .executeTakeFirstOrThrow();
  const {
    id,
    findings,
    media,
    stored: _stored,
    ...row
  } = await db
    .selectFrom("recordings")
    .selectAll()
    .where("file_id", "is not", null)
    .where("state", "=", "stored")
    .limit(1)
    .executeTakeFirstOrThrow();
  await db
    .insertInto("recordings")
    .values({
      ...row,
      state: "indexed",
      identity: `${row.identity} again`,
      findings: JSON.stringify(findings),
      media: JSON.stringify(media),
    })
    .execute();
  const files = await readdir(place.storageDir, { recursive: true });
  const cutFile = files.find((name) => name.endsWith(".mp4") && !name.startsWith("."));
  if (cutFile === undefined) throw new Error("no file was stored");
  await truncate(join(place.storageDir, cutFile), 1000);
  return { lostCallback: `cb-${lost.digest.toString("hex")}`, doubledRecording: id, cutFile };
}

test("a lost callback, a doubled recording and a cut file are found and named, and everything is kept", async () => {
  let planted: Planted | null = null;
  const report = await runChaos(
    {
      seed: "planted",
      minutes: 0.1,
      topology: "single",
      ratePerS: 20,
      kinds: [],
      dataDir: null,
      keep: false,
    },
    {
      env: process.env,
      send: () => {},
      note: () => {},
      progress: quiet,
      signal: new AbortController().signal,
      beforeAudit: async (run) => {
        planted = await plant(run);
      },
    },
  );
  const keptIn = report.keptIn ?? "";
  onTestFinished(() => rm(keptIn, { recursive: true }));
  const { lostCallback, doubledRecording, cutFile } = planted as unknown as Planted;

  const foundBy = (id: string): string[] => [
    ...new Set(
      report.violations
        .filter((one) => one.id.includes(id) || one.detail.includes(id))
        .map(({ check }) => check),
    ),
  ];
  expect(foundBy(lostCallback)).toEqual(expect.arrayContaining(["acknowledged", "command"]));
  expect(foundBy("recordings")).toContain("identities");
  expect(
    report.violations.filter(({ detail }) => detail.startsWith("recording_doubled")),
  ).toMatchObject([{ check: "command" }]);
  expect(foundBy(doubledRecording)).toContain("command");
  expect(foundBy(cutFile)).toEqual(["files"]);

  expect(exitCodeOf(report)).toBe(1);
  const text = reportText(report);
  expect(text).toContain(lostCallback);
  expect(text).toContain(cutFile);
  expect(text).toMatch(/\n\d+ checks passed, [1-9]\d* failed$/u);
  expect(await readdir(join(keptIn, "logs"))).toContain("worker-1.log");
  expect(await readdir(keptIn)).toEqual(
    expect.arrayContaining(["postgres", "redis", "recordings"]),
  );
});
