import { fileURLToPath } from "node:url";
import { spawnApp } from "@reelgate/testkit/spawn-app";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("stand-in/app.mjs", import.meta.url));

test("an app is spawned ready, with its logs captured, and stops by SIGTERM", async () => {
  await using app = await spawnApp("worker", { script, env: { SEEN: "its own" } });
  expect((await fetch(`${app.opsUrl}/readyz`)).status).toBe(200);
  expect(await app.log.waitFor((line) => line.msg === "ready")).toMatchObject({ seen: "its own" });
  await app.stop();
  expect(await app.exited).toEqual({ code: 0, signal: null });
  expect(app.log.withMessage("stopping")).toHaveLength(1);
});

test("a killed app is gone when kill returns", async () => {
  await using app = await spawnApp("worker", { script, env: {} });
  await app.kill("SIGKILL");
  expect(await app.exited).toEqual({ code: null, signal: "SIGKILL" });
  await expect(fetch(`${app.opsUrl}/readyz`)).rejects.toThrow("fetch failed");
});

test("an app that refuses to start is reported with its own words", async () => {
  const starting = spawnApp("worker", { script, env: { REFUSE: "no key" } });
  await expect(starting).rejects.toThrow("The worker did not start (exit code 1): REFUSE: no key");
});
