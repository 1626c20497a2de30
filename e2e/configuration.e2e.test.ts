import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { spawnApp } from "@reelgate/testkit/spawn-app";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

type App = Parameters<typeof spawnApp>[0];

/** Nothing listens there. */
const REDIS_URL = "redis://:e2e@127.0.0.1:1/0";
const DATABASE_URL = "postgres://e2e:e2e@127.0.0.1:1/e2e";
const WORKING: Readonly<Record<App, Readonly<Record<string, string>>>> = {
  ingress: { REDIS_URL, CALLBACK_KEYS: "key", HOST: "127.0.0.1", PORT: "0" },
  worker: { REDIS_URL, DATABASE_URL },
  dashboard: { REDIS_URL, DATABASE_URL, DASHBOARD_PASSWORD: "e2e password", DASHBOARD_PORT: "0" },
};

/** An app that must not start: what it printed, when it has ended with status 1. */
async function refusal(name: App, env: Readonly<Record<string, string>>): Promise<string> {
  await using app = await spawnApp(name, { env, waitUntilReady: false });
  expect(await app.exited).toEqual({ code: 1, signal: null });
  // Nothing was begun, so there is nothing to log.
  expect(app.log.text()).toBe("");
  const text = app.plainLines.join("\n");
  expect(text).not.toMatch(/^\s+at /mu);
  return text;
}

/** Alone an app needs half a second to refuse. */
const SECONDS = 60_000;

describe.concurrent("without configuration", () => {
  test.each<[App, string[]]>([
    ["ingress", ["REDIS_URL"]],
    ["worker", ["REDIS_URL", "DATABASE_URL"]],
    ["dashboard", ["DASHBOARD_PASSWORD", "REDIS_URL", "DATABASE_URL"]],
  ])(
    "the %s names each variable that it needs, and shows an example",
    async (name, variables) => {
      const [head, ...lines] = (await refusal(name, {})).split("\n");
      expect(head).toBe("The configuration is not usable:");
      expect(
        lines.map((line) => /^ {2}(\w+) is not set: .+ Example: \1=\S+$/u.exec(line)?.[1]),
      ).toEqual(variables);
    },
    SECONDS,
  );
});

describe.concurrent("with unusable values", () => {
  /** By variable: a value, and what is said about it. Secret values carry a mark, and are not repeated. */
  const UNUSABLE: Readonly<Record<App, Readonly<Record<string, [value: string, said: string]>>>> = {
    ingress: {
      PORT: ["70000", `"70000" is not a whole number from 0 to 65535`],
      CALLBACK_KEYS: ["s3cr3t key,", "its value has "],
      ALLOW_UNSIGNED: ["maybe", `"maybe" is neither true nor false`],
      CALLBACK_GRACE_S: ["-1", `"-1" is not a whole number from 0 to 604800`],
      CALLBACK_PATH_TOKEN: ["s3cr3t", "its value is not 8 to 256 characters"],
      MAX_BODY_BYTES: ["64k", `"64k" is not a whole number`],
      MAX_IN_FLIGHT: ["0", `"0" is not a whole number from 1 to 100000`],
      TRUST_PROXY: ["true", `"true" is not a whole number from 0 to 32`],
      REDIS_DURABILITY: ["never", `"never" is none of require, warn`],
      REDIS_URL: ["http://:s3cr3t@127.0.0.1", "its value must begin with redis:// or rediss://"],
      OPS_PORT: ["9090.5", `"9090.5" is not a whole number`],
      LOG_LEVEL: ["loud", `"loud" is none of fatal, error, warn`],
      SHUTDOWN_GRACE_MS: ["25s", `"25s" is not a whole number`],
    },
    worker: {
      WORKER_STAGES: ["callbacks,upload", `"callbacks,upload" is none of callbacks, media`],
      CALLBACKS_CONCURRENCY: ["0", `"0" is not a whole number from 1 to 1000`],
      MEDIA_CONCURRENCY: ["many", `"many" is not a whole number from 1 to 1000`],
      MEDIA_MODE: ["copy", `"copy" is none of index, download`],
      MEDIA_ALLOWED_HOSTS: ["https://a.test/", `write the host without a scheme`],
      MEDIA_TIMEOUT_MS: ["1", `"1" is not a whole number from 1000`],
      MEDIA_MAX_ATTEMPTS: ["0", `"0" is not a whole number from 1`],
      MEDIA_NOT_FOUND_GRACE_MS: ["-5", `"-5" is not a whole number from 0`],
      REDIS_URL: ["s3cr3t", "its value is not a URL"],
      DATABASE_URL: ["mysql://e2e:s3cr3t@127.0.0.1/e2e", "its value must begin with postgres://"],
      DATABASE_POOL_SIZE: ["0", `"0" is not a whole number from 1 to 1000`],
      DATABASE_STATEMENT_TIMEOUT_MS: ["fast", `"fast" is not a whole number`],
    },
    dashboard: {
      DASHBOARD_PORT: ["-1", `"-1" is not a whole number from 0 to 65535`],
      DASHBOARD_TRUST_PROXY: ["all", `"all" is not a whole number from 0 to 32`],
      DASHBOARD_USER: ["ad:min", `"ad:min" has a colon`],
      DASHBOARD_PASSWORD: ["s3cr3t", "its value is shorter than 8 characters"],
      REDIS_URL: ["redis//s3cr3t", "its value is not a URL"],
      DATABASE_URL: ["s3cr3t", "its value is not a URL"],
    },
  };

  test.each<App>(["ingress", "worker", "dashboard"])(
    "the %s names all of them at once, and repeats no secret",
    async (name) => {
      const unusable = Object.entries(UNUSABLE[name]);
      const env = Object.fromEntries(unusable.map(([variable, [value]]) => [variable, value]));
      const text = await refusal(name, env);
      const [head, ...lines] = text.split("\n");
      expect(head).toBe("The configuration is not usable:");
      const said = new Map(lines.map((line) => [/^ {2}(\w+): /u.exec(line)?.[1], line]));
      expect(new Set(said.keys())).toEqual(new Set(unusable.map(([variable]) => variable)));
      for (const [variable, [, problem]] of unusable) {
        expect(said.get(variable)).toContain(problem);
        expect(said.get(variable)).toMatch(/ Example: \w+=\S+$/u);
      }
      expect(text).not.toContain("s3cr3t");
    },
    SECONDS,
  );

  test(
    "the ingress does not start without keys, unless that is asked for",
    async () => {
      const { CALLBACK_KEYS: _, ...keyless } = WORKING.ingress;
      expect(await refusal("ingress", keyless)).toBe(
        [
          "The configuration is not usable:",
          "  CALLBACK_KEYS is not set: without a key anyone could send callbacks. Example: CALLBACK_KEYS=oldKey123,newKey456, or ALLOW_UNSIGNED=true if that is wanted",
        ].join("\n"),
      );
      await using unsigned = await spawnApp("ingress", {
        env: { ...keyless, ALLOW_UNSIGNED: "true" },
        waitUntilReady: false,
      });
      const warning = await unsigned.log.waitFor(
        ({ msg }) => msg?.includes("ALLOW_UNSIGNED=true") === true,
      );
      expect(warning.level).toBe(40);
    },
    SECONDS,
  );

  test(
    "the ingress refuses keys together with ALLOW_UNSIGNED",
    async () => {
      const env = { ...WORKING.ingress, CALLBACK_KEYS: "s3cr3t", ALLOW_UNSIGNED: "true" };
      const text = await refusal("ingress", env);
      expect(text).toContain("ALLOW_UNSIGNED=true and CALLBACK_KEYS contradict each other");
      expect(text).not.toContain("s3cr3t");
    },
    SECONDS,
  );

  test(
    "an empty variable counts as unset",
    async () => {
      const text = await refusal("dashboard", { ...WORKING.dashboard, DASHBOARD_PASSWORD: "" });
      expect(text).toContain("  DASHBOARD_PASSWORD is not set: ");
    },
    SECONDS,
  );
});

describe.concurrent("when the machine is not as the configuration says", () => {
  const taken = createServer();
  let port: string;
  beforeAll(async () => {
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", () => resolve()));
    port = String((taken.address() as AddressInfo).port);
  });
  afterAll(() => new Promise<void>((resolve) => taken.close(() => resolve())));

  test.each<[App, string]>([
    ["ingress", "PORT"],
    ["ingress", "OPS_PORT"],
    ["worker", "OPS_PORT"],
    ["dashboard", "DASHBOARD_PORT"],
    ["dashboard", "OPS_PORT"],
  ])(
    "the %s says that its %s is taken",
    async (name, variable) => {
      await using database = await createTestDatabase();
      await using app = await spawnApp(name, {
        env: { ...WORKING[name], DATABASE_URL: database.url, [variable]: port },
        waitUntilReady: false,
      });
      expect(await app.exited).toEqual({ code: 1, signal: null });
      expect(app.plainLines).toEqual([
        `Port ${port} on 127.0.0.1 cannot be listened on (EADDRINUSE). Set ${variable} to another port.`,
      ]);
    },
    SECONDS,
  );

  test(
    "the dashboard says that Postgres does not answer",
    async () => {
      expect(await refusal("dashboard", WORKING.dashboard)).toBe(
        "Postgres cannot do this now (ECONNREFUSED).",
      );
    },
    SECONDS,
  );

  test(
    "the dashboard says that the schema is not there yet",
    async () => {
      await using empty = await createTestDatabase({ migrated: false });
      const text = await refusal("dashboard", { ...WORKING.dashboard, DATABASE_URL: empty.url });
      expect(text).toMatch(/^The catalogue lacks the migrations .+\. Run the migrate step first/u);
    },
    SECONDS,
  );
});
