import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase } from "@reelgate/testkit/postgres";
import { startTestRedis } from "@reelgate/testkit/redis-server";
import { openCatalogue } from "./open-catalogue.ts";
import { startDashboard } from "./running-dashboard.ts";
import type { RunningDashboard } from "./running-dashboard.ts";
import { SECRETS, eventBody, seed } from "./seed.ts";

const stack = new AsyncDisposableStack();
let forbidding: RunningDashboard;
let allowing: RunningDashboard;
const ids: Record<string, string> = {};

const SIGNED = `http://127.0.0.1:8888/a.mp4?sign=${SECRETS.urlSignature}`;
const VIDEO_URLS = {
  provider: "https://1250000000.vod2.myqcloud.com/a/f0.mp4",
  signed: SIGNED,
  foreign: "https://evil.example/a.mp4?x=1",
  apex: "http://myqcloud.com/evil.mp4",
  user: "http://evil:pw@a.myqcloud.com/a.mp4",
  port: "http://a.myqcloud.com:8080/evil.mp4",
  "looks-like": "http://a.myqcloud.com.evil.example/a.mp4",
};

beforeAll(async () => {
  const database = stack.use(await createTestDatabase());
  const redis = stack.use(await startTestRedis());
  const db = openCatalogue(stack, database.url);
  for (const [name, video_url] of Object.entries(VIDEO_URLS)) {
    const { recordingId } = await seed(db, { body: eventBody({ file_id: name, video_url }) });
    ids[name] = recordingId ?? "";
  }
  const urls = { redisUrl: redis.url, databaseUrl: database.url };
  forbidding = stack.use(await startDashboard(urls));
  allowing = stack.use(
    await startDashboard({
      ...urls,
      env: { PLAYER_PROVIDER_HOSTS: "*.myqcloud.com,127.0.0.1" },
    }),
  );
});
afterAll(async () => await stack.disposeAsync());

const source = async (on: RunningDashboard, name: keyof typeof VIDEO_URLS): Promise<Response> =>
  await on.get(`/api/recordings/${ids[name]}/source`);

describe("GET /api/recordings/:id/source", () => {
  test("is forbidden unless the operator allows it", async () => {
    const response = await source(forbidding, "provider");
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: "source_not_allowed" });
    const { headers } = await forbidding.get("/");
    expect(headers.get("content-security-policy")).toContain("media-src 'self' blob:;");
  });

  test.each(["provider", "signed"] as const)("leads to an allowed host (%s)", async (name) => {
    const response = await source(allowing, name);
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toBe(VIDEO_URLS[name]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.text()).toBe("");
  });

  test.each(["foreign", "apex", "user", "port", "looks-like"] as const)(
    "leads to no other (%s)",
    async (name) => {
      const response = await source(allowing, name);
      expect(response.status).toBe(403);
      expect(response.headers.get("location")).toBeNull();
      expect(await response.text()).not.toContain("evil");
    },
  );

  test("of no recording there is none", async () => {
    expect(await allowing.json("/api/recordings/999999/source")).toMatchObject({
      status: 404,
      body: { error: "recording_not_found" },
    });
  });

  test("the browser may play from where it is led", async () => {
    const { headers } = await allowing.get("/");
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toContain("media-src 'self' blob: *.myqcloud.com 127.0.0.1:*;");
    expect(policy).toContain("connect-src 'self' *.myqcloud.com 127.0.0.1:*;");
    expect(await (await allowing.get("/api/about")).json()).toMatchObject({
      playsStoredCopies: false,
      playsProviderUrls: true,
    });
  });

  test("the signature is in no log and no metric", async () => {
    expect((await source(allowing, "signed")).headers.get("location")).toBe(SIGNED);
    const metrics = await (await fetch(`${allowing.opsUrl}/metrics`)).text();
    for (const text of [metrics, allowing.log.text()]) {
      expect(text).not.toContain(SECRETS.urlSignature);
    }
  });
});
