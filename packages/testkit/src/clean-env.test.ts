import { expect, test } from "vitest";
import { cleanEnv, removeConfiguration } from "./clean-env.ts";

test("a spawned app sees the machine and its own configuration, and nothing of the shell's", () => {
  const env = cleanEnv({ PORT: "1" }, { PATH: "/bin", REDIS_URL: "redis://elsewhere", PORT: "2" });
  expect(env).toEqual({ PATH: "/bin", PORT: "1" });
});

test("what configures Reelgate is removed, and nothing else", () => {
  const env = {
    PATH: "/bin",
    PORT: "1",
    REDIS_URL: "x",
    DATA_DIR: "y",
    PGHOST: "z",
    HOME: "/root",
  };
  removeConfiguration(env);
  expect(env).toEqual({ PATH: "/bin", HOME: "/root" });
});
