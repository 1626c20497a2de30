import { confirmQueueLayout } from "@reelgate/shared/queue-layout";
import { createRedis } from "@reelgate/shared/redis";
import { until } from "@reelgate/testkit/latch";
import { expect, test } from "vitest";
import { runCommand } from "./running-command.ts";
import { bodyOf, startSystem } from "./system.ts";

test("reshard waits for the last callback, and then gives the queues another number of shards", async () => {
  await using system = await startSystem();
  const { env, redis, callbacks, media } = system;
  await system.accept(bodyOf("waiting"));
  await expect(runCommand(["reshard", "6", "--yes"], { env })).rejects.toMatchObject({
    code: "usage",
    message: expect.stringContaining("1 callback of the queue callbacks have no outcome yet"),
  });
  const stage = system.startStage1();
  await until(async () => (await callbacks.getJobCountByTypes("waiting", "active")) === 0);
  await stage[Symbol.asyncDispose]();
  expect(await media.getJobCountByTypes("prioritized")).toBe(1);

  const declined = await runCommand(["reshard", "6"], { env, answer: false });
  expect(declined.questions).toEqual(["From 1 shard to 6: are all ingresses and workers stopped?"]);
  expect(await media.getJobCountByTypes("prioritized")).toBe(1);

  await expect(runCommand(["reshard", "6"], { env })).rejects.toMatchObject({
    // It has no --dry-run.
    message: expect.stringMatching(/Nobody can be asked here: say it with --yes\.$/u),
  });

  const { out } = await runCommand(["reshard", "6", "--yes"], { env });
  expect(out).toBe("The queues have 6 shards. Start every app with QUEUE_SHARDS=6.\n");
  expect(await redis.keys("reelgate:*")).toEqual(["reelgate:queue-layout"]);
  expect(await confirmQueueLayout(redis, 1)).toMatchObject({ agrees: false });
  expect(await confirmQueueLayout(redis, 6)).toEqual({ agrees: true });
  const again = await runCommand(["reshard", "6", "--json"], { env });
  expect(JSON.parse(again.out)).toEqual({ from: 6, to: 6 });
});

test("G2: reshard destroys no callback that comes while the operator is asked", async () => {
  await using system = await startSystem();
  const { env, redis, callbacks } = system;
  let id = "";
  const answer = async (): Promise<boolean> => {
    id = await system.accept(bodyOf("late"));
    return true;
  };
  await expect(runCommand(["reshard", "6"], { env, answer })).rejects.toMatchObject({
    code: "usage",
    message: expect.stringContaining("1 callback of the queue callbacks have no outcome yet"),
  });
  expect(await callbacks.getJobState(id)).toBe("waiting");
  expect(await confirmQueueLayout(redis, 1)).toEqual({ agrees: true });
});

test.each(["reelgate-ingress", "reelgate-worker-stage-1"])(
  "reshard refuses while %s is connected",
  async (name) => {
    await using system = await startSystem();
    const { env, redis } = system;
    const app = createRedis({
      url: env["REDIS_URL"] ?? "",
      role: "worker",
      name,
      onError: () => undefined,
    });
    await app.ping();
    await expect(runCommand(["reshard", "6", "--yes"], { env })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/^An? (?:ingress|worker) is connected to this Redis/u),
    });
    expect(await confirmQueueLayout(redis, 1)).toEqual({ agrees: true });
    app.disconnect();
    await until(async () => !String(await redis.call("CLIENT", "LIST")).includes(`name=${name}`));
    const { out } = await runCommand(["reshard", "6", "--yes"], { env });
    expect(out).toContain("The queues have 6 shards.");
  },
);
