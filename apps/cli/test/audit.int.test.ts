import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { callbackJobId } from "@reelgate/shared/contract/jobs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "@reelgate/testkit/latch";
import { runCommand, temporaryFolder } from "./running-command.ts";
import { bodyOf, startSystem } from "./system.ts";
import type { System } from "./system.ts";

let system: System;
beforeEach(async () => {
  system = await startSystem();
});
afterEach(async () => {
  await system[Symbol.asyncDispose]();
});

interface AuditResult {
  code: number;
  violations: { kind: string; id: string; where: string }[];
  summary: Record<string, unknown>;
  out: string;
}

async function audit(args: readonly string[] = [], stdin?: string): Promise<AuditResult> {
  const { code, out } = await runCommand(["audit", "--json", ...args], {
    env: system.env,
    ...(stdin === undefined ? {} : { stdin }),
  });
  const lines = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    code,
    violations: lines
      .filter(({ type }) => type === "violation")
      .map(({ kind, id, where }) => ({ kind, id, where }) as AuditResult["violations"][number]),
    summary: lines.find(({ type }) => type === "summary") ?? {},
    out,
  };
}

const digest = (id: string): Buffer => Buffer.from(id.slice(3), "hex");

/** Settles what was accepted, to the end. */
async function settleAll(): Promise<void> {
  const stage = system.startStage1();
  await until(
    async () => (await system.callbacks.getJobCountByTypes("waiting", "active", "delayed")) === 0,
    { what: "an empty queue", timeoutMs: 60_000 },
  );
  await stage[Symbol.asyncDispose]();
}

describe("G2, G3: an audit of a sound system", () => {
  it("finds nothing while callbacks are settled at full speed, whenever it looks", async () => {
    const acknowledged: string[] = [];
    const over = new AbortController();
    const provider = (async () => {
      for (let n = 0; !over.signal.aborted && n < 400; n++) {
        // Recordings of several callbacks, conflicts, invalid bodies and other events, and redeliveries.
        const bodies = [
          bodyOf(`live-${n % 40}`, { t: n }),
          bodyOf(`live-${n % 40}`, { t: n, file_size: 1 }),
          bodyOf(`live-${n % 40}`, { t: n, video_url: null }),
          JSON.stringify({ event_type: 332, n }),
        ];
        acknowledged.push(...(await Promise.all(bodies.map((body) => system.accept(body)))));
        if (n % 5 === 0) await system.accept(bodies[0] ?? "");
      }
    })();
    {
      const stage = system.startStage1();
      await until(() => acknowledged.length > 100);
      for (let round = 0; round < 3; round++) {
        const { code, violations, summary } = await audit(
          ["--acknowledged", "-", "--deep"],
          acknowledged.join("\n"),
        );
        expect(violations).toEqual([]);
        expect(code).toBe(0);
        expect(summary["acknowledged"]).toMatchObject({ otherLines: 0 });
      }
      over.abort();
      await provider;
      await stage[Symbol.asyncDispose]();
    }
    await settleAll();
    const { code, summary } = await audit(["--acknowledged", "-"], acknowledged.join("\n"));
    expect(code).toBe(0);
    expect(summary["acknowledged"]).toMatchObject({
      ids: acknowledged.length,
      settled: acknowledged.length,
      inFlight: 0,
    });
  });

  it("says how much is in flight, and finds nothing after retention", async () => {
    await system.accept(bodyOf("waiting"));
    for (const name of ["a", "b", "c"]) await system.accept(bodyOf(name));
    await settleAll();
    await system.accept(bodyOf("in-flight"));
    await system.db.updateTable("callbacks").set({ settled_at: "2020-01-01" }).execute();
    await system.db.updateTable("recordings").set({ state: "indexed" }).execute();
    const prune = ["prune", "--older-than", "30d", "--yes", "--json"];
    // Their jobs are in Redis still: nothing is removed.
    const kept = await runCommand(prune, { env: system.env });
    expect(JSON.parse(kept.out)).toMatchObject({ callbacks: 0, kept: 4 });
    await system.callbacks.clean(0, 100, "completed");
    const removed = await runCommand(prune, { env: system.env });
    expect(JSON.parse(removed.out)).toMatchObject({ callbacks: 4, kept: 0 });
    const { code, summary } = await audit(["--deep"]);
    expect(code).toBe(0);
    expect(summary).toMatchObject({
      violations: 0,
      recordings: 4,
      bodies: 0,
      callbackJobs: { jobs: 1, inFlight: 1 },
    });
  });
});

describe("G2, G3: an audit finds", () => {
  it("a callback whose row was lost", async () => {
    const id = await system.accept(bodyOf("lost"));
    await system.accept(bodyOf("kept"));
    await settleAll();
    await system.db.deleteFrom("callbacks").where("digest", "=", digest(id)).execute();
    const { code, violations } = await audit();
    expect(code).toBe(1);
    const recording = await system.db
      .selectFrom("recordings")
      .select("id")
      .where("file_id", "=", "lost")
      .executeTakeFirstOrThrow();
    expect(violations).toEqual([
      { kind: "callback_lost", id, where: "queue callbacks" },
      { kind: "callback_count_wrong", id: recording.id, where: "catalogue" },
      { kind: "first_callback_missing", id: recording.id, where: "catalogue" },
    ]);
  });

  it("a callback that was acknowledged and whose job was lost, from ids and from the log", async () => {
    const settled = await system.accept(bodyOf("settled"));
    await settleAll();
    const lost = await system.accept(bodyOf("gone"));
    const waiting = await system.accept(bodyOf("waiting"));
    await system.redis.del(`reelgate:callbacks:${lost}`);
    expect((await audit()).code).toBe(0);

    const ids = await audit(["--acknowledged", "-"], `${settled}\n\n${lost}\r\n${waiting}`);
    expect(ids.code).toBe(1);
    expect(ids.violations).toEqual([{ kind: "callback_lost", id: lost, where: "acknowledged" }]);
    expect(ids.summary["acknowledged"]).toEqual({ ids: 3, settled: 1, inFlight: 1, otherLines: 0 });

    await using folder = await temporaryFolder();
    const log = join(folder.path, "ingress.log");
    const lines = [
      { level: 20, jobId: lost, msg: "callback accepted" },
      { level: 30, msg: "listening" },
      { level: 20, jobId: settled, msg: "callback accepted" },
      { level: 30, jobId: "cb-nonsense" },
    ].map((line) => JSON.stringify(line));
    await writeFile(log, [...lines, "not JSON", "{"].join("\n"));
    const logged = await audit(["--acknowledged", log]);
    expect(logged.violations.map(({ id }) => id)).toEqual([lost]);
    expect(logged.summary["acknowledged"]).toMatchObject({ ids: 2, otherLines: 4 });
  });

  it("a callback that waits for ever, and one that failed", async () => {
    const stuck = await system.accept(bodyOf("stuck"));
    await system.redis.hset(`reelgate:callbacks:${stuck}`, "timestamp", Date.now() - 3_600_000);
    const failed = await system.accept(bodyOf("failed"));
    await system.redis.hset(`reelgate:callbacks:${failed}`, "finishedOn", Date.now());
    await system.redis.zadd("reelgate:callbacks:failed", Date.now(), failed);
    const { code, violations, summary } = await audit();
    expect(code).toBe(1);
    expect(violations).toEqual([
      { kind: "callback_failed", id: failed, where: "queue callbacks" },
      { kind: "callback_stuck", id: stuck, where: "queue callbacks" },
    ]);
    expect(summary["callbackJobs"]).toMatchObject({ jobs: 2, inFlight: 1 });
    const patient = await audit(["--stuck-after", "2h"]);
    expect(patient.violations.map(({ kind }) => kind)).toEqual(["callback_failed"]);
  });

  it("a recording that is there twice", async () => {
    const first = await system.settle(bodyOf("one"));
    const second = await system.settle(bodyOf("two"));
    await system.db
      .updateTable("recordings")
      .set({ file_id: "one" })
      .where("file_id", "=", "two")
      .execute();
    const { code, violations, out } = await audit();
    expect(code).toBe(1);
    expect(violations).toEqual([
      { kind: "recording_doubled", id: second.recordingId, where: "catalogue" },
    ]);
    expect(out).toContain(`recording ${first.recordingId} is of the same file`);
  });

  it("a recording that is pending and whose job was lost, or has ended, or is of none", async () => {
    const lost = await system.settle(bodyOf("lost"));
    const ended = await system.settle(bodyOf("ended"));
    const young = await system.settle(bodyOf("young"));
    const queued = await system.settle(bodyOf("queued"));
    await system.db
      .updateTable("recordings")
      .set({ received_at: "2026-01-01" })
      .where("id", "<>", young.recordingId ?? "")
      .execute();
    await system.redis.del(`reelgate:media:rec-${lost.recordingId}-0`);
    await system.redis.del(`reelgate:media:rec-${young.recordingId}-0`);
    await system.redis.hset(`reelgate:media:rec-${ended.recordingId}-0`, "finishedOn", Date.now());
    await system.media.add("media", { recordingId: "777", generation: 0 }, { jobId: "rec-777-0" });
    const { code, violations, summary } = await audit();
    expect(code).toBe(1);
    expect(violations).toEqual([
      { kind: "media_job_orphaned", id: "rec-777-0", where: "queue media" },
      { kind: "media_job_missing", id: lost.recordingId, where: "catalogue" },
      { kind: "media_job_missing", id: ended.recordingId, where: "catalogue" },
    ]);
    expect(summary).toMatchObject({ pendingRecordings: 3, mediaJobs: 3 });
    expect(queued.recordingId).not.toBe(lost.recordingId);
  });

  it("a body that is not what was accepted, when it is asked to read them all", async () => {
    const { id } = await system.settle(bodyOf("altered"));
    await system.db
      .updateTable("callbacks")
      .set({ body: Buffer.from("{}") })
      .execute();
    expect((await audit()).code).toBe(0);
    expect((await audit(["--deep"])).violations).toEqual([
      { kind: "body_altered", id, where: "catalogue" },
    ]);
  });

  it("more violations than it holds, each once, and says them in words", async () => {
    const ids = Array.from({ length: 2500 }, (_, n) => callbackJobId(Buffer.from(String(n))));
    const file = [...ids, ...ids].join("\n");
    const { violations, summary } = await audit(["--acknowledged", "-"], file);
    expect(violations).toHaveLength(2500);
    expect(summary).toMatchObject({ violations: 2500 });
    const { code, out } = await runCommand(["audit", "--acknowledged", "-"], {
      env: system.env,
      stdin: ids.slice(0, 1).join("\n"),
    });
    expect(code).toBe(1);
    expect(out).toContain(`callback_lost  ${ids[0]}  (acknowledged) it was acknowledged`);
    expect(out).toContain("waits in the spool of an ingress: see reelgate_ingress_spool_callbacks");
    expect(out).toContain("1 violation, named above.");
  });

  it.each([
    ["no callback", "-", "nothing here\n"],
    ["a file that is not there", "/nonexistent/ids", ""],
  ])("%s where ids should be, as wrong usage", async (_name, file, stdin) => {
    await expect(
      runCommand(["audit", "--acknowledged", file], { env: system.env, stdin }),
    ).rejects.toMatchObject({ code: "usage" });
  });
});
