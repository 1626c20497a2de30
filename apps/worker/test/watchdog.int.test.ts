import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { startHalfOpenProxy } from "@reelgate/testkit/half-open-proxy";
import { trackHandle } from "@reelgate/testkit/open-handles";
import { until } from "@reelgate/testkit/latch";
import { recordingBody } from "@reelgate/testkit/recording-body";
import { expect, test } from "vitest";
import { setTheStage, unique } from "./running-worker.ts";

const WORKER = fileURLToPath(new URL("./watched-worker.ts", import.meta.url));

function startWatchedWorker(env: Record<string, string>) {
  const child = spawn(process.execPath, ["--conditions=source", WORKER], {
    env: { PATH: process.env["PATH"], OPS_PORT: "0", MEDIA_ALLOWED_HOSTS: "127.0.0.1", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const untrack = trackHandle(
    `watched worker ${child.pid}`,
    async () => void child.kill("SIGKILL"),
  );
  return {
    log: text(child.stdout),
    ended: once(child, "exit").then(([code]) => {
      untrack();
      return code as number | null;
    }),
    kill: () => child.kill("SIGTERM"),
  };
}

test("a worker whose blocking read hangs ends with 1 and says why, and the next one settles what waited", async () => {
  await using stage = await setTheStage();
  await using proxy = await startHalfOpenProxy(stage.redis.port);
  await proxy.set({ losesRepliesAfter: "bzpopmin" });
  const env = {
    REDIS_URL: proxy.through(stage.redis.url),
    DATABASE_URL: stage.databaseUrl,
    WORKER_STAGES: "callbacks",
  };
  const stuck = startWatchedWorker(env);
  await until(() => proxy.hungCount > 0, { what: "the blocking read", timeoutMs: 60_000 });
  await stage.accept(recordingBody(unique("waiting")));
  expect(await stuck.ended).toBe(1);
  const fatal = (await stuck.log).split("\n").find((line) => line.includes("stuck"));
  expect(fatal).toContain("the stage callbacks has taken none of 1 waiting jobs for 1 s");
  expect(await stage.outcomes()).toEqual({});

  await proxy.set("pass");
  const next = startWatchedWorker(env);
  await stage.settled(1, 60_000);
  next.kill();
  expect(await next.ended).toBe(0);
});
