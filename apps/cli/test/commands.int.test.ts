import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { callbackJobId } from "@reelgate/shared/contract/jobs";
import { recordMediaFailure, recordMediaReport } from "@reelgate/catalogue/media-state";
import { runCommand } from "./running-command.ts";
import type { RunOptions } from "./running-command.ts";
import { bodyOf, startSystem } from "./system.ts";
import type { System } from "./system.ts";

/** Planted in every body; none of them may ever come out again. */
const SECRETS = {
  sign: "5ecre7519n0f7h3ca11back000000000",
  txSecret: "5ecretPushKeyOfTheStream",
  urlSignature: "5ecretSignatureOfTheUrl",
} as const;

const secretBody = (fileId: string, changes: Readonly<Record<string, unknown>> = {}): string =>
  bodyOf(fileId, {
    stream_id: fileId,
    stream_param: `txSecret=${SECRETS.txSecret}&txTime=65A0`,
    video_url: `http://1250000000.vod2.myqcloud.com/a/${fileId}.m3u8?sign=${SECRETS.urlSignature}`,
    sign: SECRETS.sign,
    t: 1_700_000_100,
    ...changes,
  });

let system: System;
/** Everything that any command of this file printed, but for the body that is asked for as it came. */
let printed = "";

async function reelgate(
  args: readonly string[],
  options: Omit<RunOptions, "env"> = {},
): Promise<Awaited<ReturnType<typeof runCommand>>> {
  const result = await runCommand(args, { ...options, env: system.env });
  if (!args.includes("--raw")) printed += result.out + result.err;
  return result;
}

const linesOf = (out: string): Record<string, unknown>[] =>
  out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const FAILED = {
  code: "media_timeout",
  message: "The origin was too slow.",
  attempts: 1,
  final: true,
  report: null,
};
/** Recordings that have failed, by the number in their file id. */
const FAILED_COUNT = 230;
const recordingIds: string[] = [];

beforeAll(async () => {
  system = await startSystem();
  for (let n = 0; n < FAILED_COUNT; n++) {
    const settled = await system.settle(
      secretBody(`failed-${n}`, { app: n < 10 ? "few" : "many", start_time: 1_642_000_000 + n }),
    );
    const recordingId = settled.recordingId ?? "";
    recordingIds.push(recordingId);
    await recordMediaFailure(system.db, { recordingId, generation: 0 }, FAILED);
  }
  const whole = await system.settle(secretBody("whole"));
  await system.settle(secretBody("whole", { file_size: 1 }));
  await recordMediaReport(
    system.db,
    { recordingId: whole.recordingId ?? "", generation: 0 },
    {
      media: {
        container: "hls",
        durationS: 153.5,
        durationIsExact: true,
        sizeBytes: 1234,
        bitrateKbps: 1,
        video: { codec: "h264", width: 640, height: 480, fps: 25 },
        audio: null,
        hls: null,
      },
      findings: [
        { kind: "size_mismatch", declared: 277_941_079, actual: 1234, detail: "Too small." },
      ],
    },
    null,
  );
  await system.settle(secretBody("invalid", { video_url: null }));
  await system.settle(JSON.stringify({ event_type: 332, sign: SECRETS.sign }));
});
afterAll(async () => {
  await system[Symbol.asyncDispose]();
});

describe("recordings list", () => {
  it("shows the first, as a table that fits the terminal, and says that there are more", async () => {
    const { code, out, err } = await reelgate(["recordings", "list", "--limit", "3"], {
      columns: 100,
    });
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(
      /^ID +STARTED +STATE +FORMAT +LENGTH +CALLBACKS +STREAM +WHAT IS WRONG$/u,
    );
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(err).toContain("Only the first 3 are shown");
  });

  it("pages through all of them, one JSON object a line", async () => {
    const { out, err } = await reelgate([
      "recordings",
      "list",
      "--state",
      "failed",
      "--all",
      "--json",
    ]);
    const found = linesOf(out);
    expect(found.map(({ id }) => String(id)).toSorted()).toEqual(recordingIds.toSorted());
    expect(err).toBe("");
  });

  it.each([
    [["--app", "few"], 10],
    [["--app", "many", "--appname", "yourappname", "--state", "failed"], FAILED_COUNT - 10],
    [["--stream", "failed-7"], 1],
    [["--q", "whole"], 1],
    [["--format", "mp4"], 0],
    [["--finding", "any"], 1],
    [["--task", "none"], 0],
    [["--from", "2022-01-12T15:06:42Z", "--to", "2022-01-12T15:06:45Z"], 3],
  ])("filters by %j", async (filter, count) => {
    const { out } = await reelgate(["recordings", "list", ...filter, "--json", "--limit", "1000"]);
    expect(linesOf(out)).toHaveLength(count);
  });

  it("says that there is none", async () => {
    const { code, out, err } = await reelgate(["recordings", "list", "--stream", "nobody"]);
    expect({ code, out, err }).toEqual({ code: 0, out: "", err: "No recording found.\n" });
  });
});

describe("recordings show", () => {
  it("holds what was declared against what is there", async () => {
    const [found] = linesOf((await reelgate(["recordings", "list", "--q", "whole", "--json"])).out);
    const id = String(found?.["id"]);
    const { out } = await reelgate(["recordings", "show", id], { columns: 160 });
    expect(out).toContain(`Recording ${id} is indexed.`);
    expect(out).toMatch(/size +277,941,079 bytes +1,234 bytes/u);
    expect(out).toContain("different: size_mismatch: Too small.");
    expect(out).toMatch(/conflict .*file_size: 1 for 277941079/u);
    const json = await reelgate(["recordings", "show", id, "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({ id, state: "indexed", callbackCount: 2 });
  });

  it("of an id that is not there says where to look", async () => {
    await expect(reelgate(["recordings", "show", "999999"])).rejects.toMatchObject({
      code: "recording_not_found",
    });
  });
});

describe("recordings retry", () => {
  it("only counts with --dry-run, and changes nothing without a yes", async () => {
    const dry = await reelgate(["recordings", "retry", "--app", "few", "--dry-run"]);
    expect(dry.out).toBe("10 recordings would be looked at again.\n");
    const refused = await reelgate(["recordings", "retry", "--app", "few"], { answer: false });
    expect(refused.questions).toEqual(["Look at 10 recordings again?"]);
    expect(refused.err).toBe("Nothing was changed.\n");
    await expect(reelgate(["recordings", "retry", "--app", "few"])).rejects.toMatchObject({
      code: "usage",
    });
    const { out } = await reelgate(["recordings", "list", "--app", "few", "--json"]);
    expect(linesOf(out).every(({ state }) => state === "failed")).toBe(true);
  });

  it("sends what a filter names back to pending, each with a job of a new generation", async () => {
    const { code, out } = await reelgate([
      "recordings",
      "retry",
      "--app",
      "many",
      "--yes",
      "--json",
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      dryRun: false,
      retried: FAILED_COUNT - 10,
      unqueued: 0,
      pending: 0,
      notFound: [],
    });
    for (const id of recordingIds.slice(10)) {
      expect(await system.redis.exists(`reelgate:media:rec-${id}-1`)).toBe(1);
    }
    const again = await reelgate(["recordings", "retry", "--app", "many", "--yes"]);
    expect(again.out).toBe("No recording to retry.\n");
  });

  it("takes ids without asking, and names those that are not there", async () => {
    const [first = "", second = ""] = recordingIds;
    const { out } = await reelgate(["recordings", "retry", first, "--json"]);
    expect(JSON.parse(out)).toMatchObject({ retried: 1 });
    await expect(reelgate(["recordings", "retry", first, second, "999999"])).rejects.toThrow(
      "No recording has the id 999999.",
    );
    expect(await system.redis.exists(`reelgate:media:rec-${second}-1`)).toBe(1);
  });
});

describe("callbacks", () => {
  it("are listed by outcome, type and time, with the reason", async () => {
    const { out } = await reelgate(["callbacks", "list", "--outcome", "invalid"]);
    expect(out).toContain("video_url");
    const recent = ["--since", "1h", "--event-type", "332", "--json"];
    const found = linesOf((await reelgate(["callbacks", "list", ...recent])).out);
    expect(found).toMatchObject([{ outcome: "unsupported", eventType: "332" }]);
    const old = await reelgate(["callbacks", "list", "--until", "2020-01-01", "--json"]);
    expect(old.out).toBe("");
    const all = await reelgate(["callbacks", "list", "--all", "--json"]);
    expect(linesOf(all.out)).toHaveLength(FAILED_COUNT + 4);
  });

  it("are shown redacted, and as they came when that is asked for", async () => {
    const body = secretBody("whole");
    const id = callbackJobId(Buffer.from(body));
    const { out } = await reelgate(["callbacks", "show", id]);
    expect(out).toContain("is recorded.");
    expect(out).toContain('"sign":"[redacted]"');
    const json = await reelgate(["callbacks", "show", id, "--json"]);
    expect(JSON.parse(json.out)).toMatchObject({ id, outcome: "recorded" });
    const raw = await reelgate(["callbacks", "show", id, "--raw"]);
    expect(raw.out).toBe(body);
    expect(raw.err).toContain("secrets");
    for (const mode of [[], ["--raw"]]) {
      await expect(reelgate(["callbacks", "show", "cb-0", ...mode])).rejects.toMatchObject({
        code: "callback_not_found",
      });
    }
  });

  it("are judged again: first only counted, then queued behind all live ones", async () => {
    const understood = secretBody("understood");
    const { id } = await system.settle(understood, { kind: "unsupported" });
    const dry = await reelgate(["callbacks", "replay", "--since", "1h", "--dry-run", "--json"]);
    expect(JSON.parse(dry.out)).toEqual({
      dryRun: true,
      wouldReplay: 3,
      judgements: {
        "invalid → invalid": 1,
        "unsupported → recording": 1,
        "unsupported → unsupported": 1,
      },
    });
    const refused = await reelgate(["callbacks", "replay", "--outcome", "unsupported"], {
      answer: false,
    });
    expect(refused.questions).toEqual(["Judge 2 callbacks again?"]);
    expect(await system.callbacks.getJobCountByTypes("prioritized")).toBe(0);
    const { out } = await reelgate(["callbacks", "replay", "--outcome", "unsupported", "--yes"]);
    expect(out).toContain("2 callbacks queued");
    const [job] = (await system.callbacks.getJobs(["prioritized"])).filter(
      ({ data }) => data.body === understood,
    );
    expect(job).toMatchObject({
      id: id.replace("cb-", "replay-"),
      data: { replay: true, requestId: "test-request", keyIndex: 0 },
      opts: { removeOnComplete: true },
    });
    const one = await reelgate(["callbacks", "replay", id]);
    expect(one.out).toContain("1 callback queued");
    await expect(reelgate(["callbacks", "replay", "cb-0"])).rejects.toMatchObject({
      code: "callback_not_found",
    });
  });
});

describe("queues", () => {
  it("shows what waits, for people and as JSON", async () => {
    const { out } = await reelgate(["queues"], { columns: 120 });
    expect(out).toMatch(/^QUEUE +WORKERS +WAITING/u);
    const [look] = linesOf((await reelgate(["queues", "--json"])).out);
    const found = look?.["queues"] as Record<string, unknown>[];
    expect(found.map(({ name }) => name)).toEqual(["callbacks", "media"]);
    expect(found[0]).toMatchObject({
      isPaused: false,
      workers: 0,
      states: { prioritized: { count: 2 }, waiting: { count: 0, oldestAgeMs: null } },
    });
    await system.media.pause();
    expect((await reelgate(["queues"])).out).toContain("media (paused)");
    await system.media.resume();
  });
});

describe("migrate", () => {
  it("brings an empty database up, and then does nothing", async () => {
    await using empty = await createTestDatabase({ migrated: false });
    const env = { DATABASE_URL: empty.url };
    const first = await runCommand(["migrate", "--json"], { env });
    expect(JSON.parse(first.out)).toEqual({
      applied: [
        "0001-initial",
        "0002-operations",
        "0003-callbacks-by-time",
        "0004-recordings-by-verdict",
        "0005-pending-by-id",
        "0006-recordings-of-ids",
      ],
      newer: [],
    });
    const second = await runCommand(["migrate"], { env });
    expect(second.out).toBe("Nothing to do: the schema is of this version.\n");
  });

  it("waits for Postgres as long as it is told, and no longer", async () => {
    const env = { DATABASE_URL: "postgres://user@127.0.0.1:1/nothing" };
    await expect(runCommand(["migrate", "--wait", "1"], { env })).rejects.toMatchObject({
      code: "catalogue_unavailable",
    });
  });

  it("is what every other command asks for on an old schema", async () => {
    await using empty = await createTestDatabase({ migrated: false });
    await expect(
      runCommand(["recordings", "list"], { env: { DATABASE_URL: empty.url } }),
    ).rejects.toMatchObject({ code: "schema_outdated" });
  });
});

describe("prune", () => {
  it("says what it would remove, asks, and removes that", async () => {
    await system.db
      .updateTable("callbacks")
      .set({ settled_at: "2020-01-01" })
      .where("outcome", "in", ["recorded", "conflict", "invalid"])
      .execute();
    // All but those of the recordings that were sent back to pending: eight that failed, one that is whole and has two.
    const found = "11 callbacks, 0 looks and 0 ended jobs";
    const args = ["prune", "--older-than", "52w"];
    const dry = await reelgate([...args, "--dry-run"]);
    expect(dry.out).toBe(`Would remove ${found}.\n`);
    expect((await reelgate(args, { answer: false })).err).toBe("Nothing was changed.\n");
    const done = await reelgate([...args, "--batch-size", "7"], { answer: true });
    expect(done.questions[0]).toMatch(/^Remove callbacks and looks from before \d{4}-/u);
    expect(done.out).toBe(`Removed ${found}.\n`);
    expect((await reelgate([...args, "--dry-run"])).out).toContain("Would remove 0 callbacks");
  });
});

describe("G6: what the commands print", () => {
  it("has none of the secrets that went in", async () => {
    await reelgate(["audit", "--deep"]);
    expect(printed.length).toBeGreaterThan(100_000);
    for (const secret of Object.values(SECRETS)) expect(printed).not.toContain(secret);
    const password = new URL(system.env["REDIS_URL"] ?? "").password;
    expect(password.length).toBeGreaterThan(8);
    expect(printed).not.toContain(password);
  });
});
