import { localRunSchema } from "@reelgate/shared/contract/local-run";
import { expect, test } from "vitest";
import { announcement, localRun } from "./announce.ts";
import { localUrl } from "./app-specs.ts";
import { readConfig } from "./config.ts";

const credentials = {
  callbackKey: "madeUpKey",
  dashboardPassword: "madeUpPassword",
  redisPassword: "r",
  postgresPassword: "p",
};
const factsOf = (env: Record<string, string>): Parameters<typeof announcement>[0] => ({
  config: readConfig("/checkout", env),
  credentials,
  redisUrl: "redis://:r@127.0.0.1:1/0",
  databaseUrl: "postgres://reelgate:p@127.0.0.1:2/reelgate",
  opsPorts: { ingress: 9091, worker: 9092, dashboard: 9093 },
});

test("the block has the addresses, what was made up, and the next command", () => {
  const text = announcement(factsOf({}));
  for (const part of [
    "http://127.0.0.1:8080/callbacks/css",
    "madeUpKey",
    "http://127.0.0.1:3000",
    "madeUpPassword",
    "http://127.0.0.1:9091/metrics",
    "/checkout/.data",
    "npm run simulate -- --count 200 --scenario mixed --with-origin --verify",
  ]) {
    expect(text).toContain(part);
  }
});

test("the next command finds a data folder of one's own", () => {
  expect(announcement(factsOf({ DATA_DIR: "/some where" }))).toContain(
    "DATA_DIR='/some where' npm run simulate --",
  );
  expect(announcement(factsOf({}))).not.toContain("DATA_DIR=");
});

test("what was given is not shown, and not written down", () => {
  const facts = factsOf({
    CALLBACK_KEYS: "given1",
    DASHBOARD_PASSWORD: "given2",
    CALLBACK_PATH_TOKEN: "given3",
  });
  expect(announcement(facts)).not.toMatch(/given\d|madeUp/u);
  expect(announcement(facts)).toContain("/callbacks/css/<CALLBACK_PATH_TOKEN>");
  expect(localRun(facts)).toMatchObject({ callbackKey: null, dashboardPassword: null });
});

test("without keys, when that is allowed, none is made up", () => {
  const facts = factsOf({ ALLOW_UNSIGNED: "true" });
  expect(announcement(facts)).toContain("unsigned callbacks are accepted");
  expect(announcement(facts)).not.toContain("madeUpKey");
  expect(localRun(facts).callbackKey).toBeNull();
});

test.each([
  [undefined, 8090, true],
  ["127.0.0.1", 8090, true],
  ["*.myqcloud.com, 127.0.0.1:18190", 18190, true],
  ["*.myqcloud.com", null, false],
])("with the allowed hosts %j the origin's port is %j", (hosts, port, offered) => {
  const facts = factsOf(hosts === undefined ? {} : { MEDIA_ALLOWED_HOSTS: hosts });
  expect(localRun(facts).originPort).toBe(port);
  expect(announcement(facts).includes("--with-origin")).toBe(offered);
});

test("run.json fits its schema", () => {
  expect(localRunSchema.parse(localRun(factsOf({})))).toEqual(localRun(factsOf({})));
});

test.each([
  ["0.0.0.0", "http://127.0.0.1:80"],
  ["::", "http://127.0.0.1:80"],
  ["::1", "http://[::1]:80"],
  ["10.1.2.3", "http://10.1.2.3:80"],
])("what listens on %s is reached at %s", (host, url) => {
  expect(localUrl(host, 80)).toBe(url);
});

test("one port for both is refused", () => {
  expect(() => readConfig("/checkout", { PORT: "3000" })).toThrow(
    "PORT and DASHBOARD_PORT are both 3000",
  );
});
