import { parseRedisUrl } from "@reelgate/shared/redis-url";
import { expect, test } from "vitest";
import { AppError } from "@reelgate/shared/errors";
import { INGRESS_ENV, readIngressConfig } from "./config.ts";

const GIVEN = { CALLBACK_KEYS: "firstKey", REDIS_URL: "redis://127.0.0.1:6379" };

function problemWith(env: Record<string, string>): string {
  try {
    readIngressConfig({ ...GIVEN, ...env });
  } catch (error) {
    if (error instanceof AppError && error.code === "config_invalid") return error.message;
    throw error;
  }
  throw new Error("nothing was wrong with the configuration");
}

test("keys and a Redis are all that must be given", () => {
  expect(readIngressConfig(GIVEN)).toEqual({
    host: "0.0.0.0",
    port: 8080,
    callbackKeys: ["firstKey"],
    callbackGraceS: 0,
    callbackPathToken: null,
    maxBodyBytes: 65_536,
    maxInFlight: 1000,
    trustProxyHops: 0,
    redis: { target: parseRedisUrl("redis://127.0.0.1:6379"), shardCount: 1 },
    redisDurability: "require",
    spoolDir: null,
    spoolMaxBytes: 1_073_741_824,
    opsHost: "127.0.0.1",
    opsPort: 9090,
    tracing: { endpoint: null, headers: {}, serviceName: null, sampleRatio: 1 },
    logLevel: "info",
    shutdownGraceMs: 25_000,
  });
});

test("several keys are separated by commas", () => {
  expect(readIngressConfig({ ...GIVEN, CALLBACK_KEYS: "old!Key, new$Key" }).callbackKeys).toEqual([
    "old!Key",
    "new$Key",
  ]);
});

test("without keys it refuses to start", () => {
  expect(problemWith({ CALLBACK_KEYS: "" })).toContain("CALLBACK_KEYS is not set");
});

test("unsigned callbacks must be asked for", () => {
  const env = { ...GIVEN, CALLBACK_KEYS: "", ALLOW_UNSIGNED: "true" };
  expect(readIngressConfig(env).callbackKeys).toEqual([]);
});

test("keys and unsigned callbacks exclude each other", () => {
  expect(problemWith({ ALLOW_UNSIGNED: "true" })).toContain("ALLOW_UNSIGNED=true");
});

test.each([
  ["PORT", "80a"],
  ["PORT", "65536"],
  ["CALLBACK_GRACE_S", "-1"],
  ["MAX_BODY_BYTES", "64k"],
  ["MAX_IN_FLIGHT", "0"],
  ["REDIS_DURABILITY", "maybe"],
  ["ALLOW_UNSIGNED", "yes"],
  ["TRUST_PROXY", "true"],
  ["REDIS_URL", "http://127.0.0.1"],
  ["SHUTDOWN_GRACE_MS", "soon"],
])("%s=%s is refused by name, with an example", (name, value) => {
  const problem = problemWith({ [name]: value });
  expect(problem).toContain(name);
  expect(problem).toContain("Example:");
});

test.each([
  ["CALLBACK_KEYS", "has blank"],
  ["CALLBACK_KEYS", "tab\there"],
  ["CALLBACK_KEYS", "schlüssel"],
  ["CALLBACK_KEYS", "one,,two"],
  ["CALLBACK_PATH_TOKEN", "short"],
  ["CALLBACK_PATH_TOKEN", "with/slash/in/it"],
])("%s=%s is refused without showing it", (name, value) => {
  const problem = problemWith({ [name]: value });
  expect(problem).toContain(name);
  expect(problem).not.toContain(value);
});

test("everything that is wrong is told at once", () => {
  const problem = problemWith({ PORT: "x", HOST: "", MAX_IN_FLIGHT: "x", REDIS_URL: "" });
  for (const name of ["PORT", "MAX_IN_FLIGHT", "REDIS_URL"]) expect(problem).toContain(name);
});

test.each(Object.entries(INGRESS_ENV))(
  "%s is described, and its example and default are usable",
  (_name, variable) => {
    expect(variable.description.length).toBeGreaterThan(20);
    for (const value of [variable.example, variable.default ?? variable.example]) {
      expect(() => variable.parse(value)).not.toThrow();
    }
  },
);
