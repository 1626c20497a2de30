import { createHash } from "node:crypto";
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
  doubledCallback: string;
  foreignCallback: string;
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
  await db.schema.alterTable("callbacks").dropConstraint("callbacks_digest_key").execute();
  const doubled = await insertAgain(db, (digest) => digest);
  const foreign = await insertAgain(db, (digest) => createHash("sha256").update(digest).digest());
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
  return {
    lostCallback: `cb-${lost.digest.toString("hex")}`,
    doubledCallback: doubled,
    foreignCallback: foreign,
    doubledRecording: id,
    cutFile,
  };
}

/** Settles a callback again: under its own id, which only a broken schema lets through, or one that nobody sent. */
async function insertAgain(db: AtRest["db"], change: (digest: Buffer) => Buffer): Promise<string> {
  const {
    seq: _seq,
    problems,
    conflicts,
    unknown_fields,
    ...row
  } = await db
    .selectFrom("callbacks")
    .selectAll()
    .where("outcome", "=", "unsupported")
    .orderBy("seq")
    .limit(1)
    .executeTakeFirstOrThrow();
  const digest = change(row.digest);
  const lists = {
    problems: JSON.stringify(problems),
    conflicts: JSON.stringify(conflicts),
    unknown_fields: JSON.stringify(unknown_fields),
  };
  await db
    .insertInto("callbacks")
    .values({ ...row, ...lists, digest })
    .execute();
  return `cb-${digest.toString("hex")}`;
}

test("a lost callback, a doubled one, one that nobody sent, a doubled recording and a cut file are found and named, and everything is kept", async () => {
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
  const { lostCallback, doubledCallback, foreignCallback, doubledRecording, cutFile } =
    planted as unknown as Planted;

  const foundBy = (id: string): string[] => [
    ...new Set(
      report.violations
        .filter((one) => one.id.includes(id) || one.detail.includes(id))
        .map(({ check }) => check),
    ),
  ];
  expect(foundBy(lostCallback)).toEqual(expect.arrayContaining(["acknowledged", "command"]));
  const doubles = report.violations.filter(({ check }) => check === "doubled");
  expect(doubles.map(({ id, detail }) => `${id}: ${detail}`).toSorted()).toEqual(
    [
      `${doubledCallback}: two outcomes`,
      `${foreignCallback}: unsupported, and it was never sent`,
    ].toSorted(),
  );
  expect(report.callbacks).toMatchObject({ lost: 1, doubled: 2 });
  expect(foundBy(foreignCallback)).toContain("command");
  expect(foundBy("recordings")).toContain("identities");
  expect(
    report.violations.filter(({ detail }) => detail.startsWith("recording_doubled")),
  ).toMatchObject([{ check: "command" }]);
  expect(foundBy(doubledRecording)).toContain("command");
  expect(foundBy(cutFile)).toEqual(["files"]);

  expect(exitCodeOf(report)).toBe(1);
  const text = reportText(report);
  expect(text).toContain(lostCallback);
  expect(text).toContain(doubledCallback);
  expect(text).toContain(cutFile);
  expect(text).toMatch(/\n\d+ checks passed, [1-9]\d* failed$/u);
  expect(await readdir(join(keptIn, "logs"))).toContain("worker-1.log");
  expect(await readdir(keptIn)).toEqual(
    expect.arrayContaining(["postgres", "redis", "recordings"]),
  );
});
