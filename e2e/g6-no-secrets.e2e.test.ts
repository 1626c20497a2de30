import { migrateToLatest } from "@reelgate/catalogue/migrate";
import type { Callback, Page, Recording } from "@reelgate/shared/contract/recording";
import { until } from "@reelgate/testkit/latch";
import { startMediaOrigin } from "@reelgate/testkit/media-origin";
import type { MediaOrigin } from "@reelgate/testkit/media-origin";
import { startTestPostgres } from "@reelgate/testkit/postgres-server";
import type { TestPostgres } from "@reelgate/testkit/postgres-server";
import { CHECKOUT } from "@reelgate/testkit/spawn-app";
import type { SpawnedApp } from "@reelgate/testkit/spawn-app";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { untilSettled } from "@reelgate/testkit/catalogue-audit";
import { inTenMinutes, post, recordingNamed, signed } from "./support/callbacks.ts";
import type { SignedCallback } from "./support/callbacks.ts";
import { startProduct } from "./support/product.ts";
import type { Dashboard, Ingress, Product } from "./support/product.ts";

/** What nobody may read anywhere, by what it is. The servers' passwords and the signatures join it. */
const SECRETS: Record<string, string> = {
  key: "s3cr3t-callback-key",
  "second key": "s3cr3t-second-key",
  "path token": "s3cr3t_path_token",
  "dashboard password": "s3cr3t dashboard password",
  "wrong dashboard password": "s3cr3t wrong password",
  "push secret": "s3cr3tPushSecret",
  "push parameter": "s3cr3tPushParameter",
  "query of a signed URL": "s3cr3tUrlQuery",
  "user of a URL": "s3cr3tUrlUser",
  "password of a URL": "s3cr3tUrlPassword",
  "query of a redirect": "s3cr3tRedirectQuery",
  "query in a playlist": "s3cr3tPlaylistQuery",
  "token in callback_ext": "s3cr3tExtToken",
};

const opened = new AsyncDisposableStack();
let product: Product;
let postgres: TestPostgres;
let origin: MediaOrigin;
/** Asks to be left alone for a minute, which is done: the files of the other one must not wait for that. */
let busyOrigin: MediaOrigin;
let ingress: Ingress;
let dashboard: Dashboard;
const workers: SpawnedApp[] = [];
/** Every text that an app gave away, by where it was found. */
const shown = new Map<string, string>();

const VERBOSE = { LOG_LEVEL: "trace" };
const startWorker = async (): Promise<SpawnedApp> => {
  const allowed = `127.0.0.1:${origin.port}, 127.0.0.1:${busyOrigin.port}, 127.0.0.1:1`;
  const worker = await product.startWorker({ ...VERBOSE, MEDIA_ALLOWED_HOSTS: allowed });
  workers.push(worker);
  return worker;
};

beforeAll(async () => {
  postgres = opened.use(await startTestPostgres());
  await migrateToLatest(postgres.adminUrl);
  product = opened.use(await startProduct({ databaseUrl: postgres.adminUrl }));
  origin = opened.use(await startMediaOrigin({ root: join(CHECKOUT, "packages/simulator/media") }));
  busyOrigin = opened.use(await startMediaOrigin());
  SECRETS["password of Redis"] = new URL(product.redis.url).password;
  SECRETS["password of Postgres"] = new URL(postgres.adminUrl).password;
  [ingress, dashboard] = await Promise.all([
    product.startIngress({
      ...VERBOSE,
      CALLBACK_KEYS: `${SECRETS.key},${SECRETS["second key"]}`,
      CALLBACK_PATH_TOKEN: SECRETS["path token"]!,
    }),
    product.startDashboard({ ...VERBOSE, DASHBOARD_PASSWORD: SECRETS["dashboard password"]! }),
  ]);
});
afterAll(() => opened.disposeAsync());

/** A signed callback whose signature is a secret from now on. */
function secretly(fields: Readonly<Record<string, unknown>>, key = SECRETS.key!): SignedCallback {
  const callback = signed(fields, { key, t: inTenMinutes() });
  const { sign } = JSON.parse(callback.text) as { sign: string };
  SECRETS[`signature ${Object.keys(SECRETS).length}`] = sign;
  return callback;
}

/** A recording with secrets wherever the provider puts some. */
function recordingOf(name: string, url: string, format = "mp4"): SignedCallback {
  return secretly(
    recordingNamed(name, {
      file_format: format,
      stream_param: `txSecret=${SECRETS["push secret"]}&custom=${SECRETS["push parameter"]}`,
      callback_ext: JSON.stringify({
        session_id: "plain",
        token: SECRETS["token in callback_ext"],
      }),
      video_url: `${url}?t=1&sign=${SECRETS["query of a signed URL"]}`,
    }),
  );
}

async function send(callback: SignedCallback): Promise<void> {
  const url = `${ingress.callbackUrl}/${SECRETS["path token"]}?from=${SECRETS["push parameter"]}`;
  expect((await post(url, callback.text)).status).toBe(200);
}

/** Asks the dashboard, and keeps what it says. Gives the text. */
async function show(path: string): Promise<string> {
  const response = await dashboard.fetch(path);
  const text = await response.text();
  shown.set(`${shown.size}: ${path} ${response.status}`, text);
  return text;
}

const BOARD_STATES = ["latest", "waiting", "active", "delayed", "failed", "completed"];

async function showBoard(): Promise<void> {
  for (const queue of ["callbacks", "media"]) {
    for (const state of BOARD_STATES) {
      const list = await show(`/queues/api/queues?activeQueue=${queue}&status=${state}&page=1`);
      for (const id of new Set(list.match(/(?:cb-[0-9a-f]{64}|rec-\d+-\d+)/gu) ?? [])) {
        await show(`/queues/api/queues/${queue}/${id}`);
        await show(`/queues/api/queues/${queue}/${id}/logs`);
        await show(`/queues/queue/${queue}/${id}`);
      }
    }
  }
}

async function showApi(): Promise<void> {
  const recordings = JSON.parse(await show("/api/recordings?limit=200")) as Page<Recording>;
  for (const { id } of recordings.items) await show(`/api/recordings/${id}`);
  const callbacks = JSON.parse(await show("/api/callbacks?limit=200")) as Page<Callback>;
  for (const { id } of callbacks.items) await show(`/api/callbacks/${id}`);
  for (const path of ["/", "/queues", "/api/stats", "/api/recordings/0", "/nowhere"]) {
    await show(path);
  }
}

/** What is wrong with a file, and what the worker says of it with the URL at hand. */
function misbehave(): void {
  const elsewhere = `http://192.0.2.1/x?sign=${SECRETS["query of a redirect"]}`;
  const segment = `http://127.0.0.1:${origin.port}/none.ts?sign=${SECRETS["query in a playlist"]}`;
  origin.setFault("/forbidden.mp4", { kind: "status", status: 403 });
  origin.setFault("/broken.mp4", { kind: "status", status: 500 });
  busyOrigin.setFault("/busy.mp4", {
    kind: "status",
    status: 429,
    headers: { "retry-after": "60" },
  });
  origin.setFault("/moved.mp4", { kind: "redirect", location: elsewhere });
  origin.setFault("/dropped.mp4", { kind: "drop", atByte: 0 });
  origin.setFault("/range.mp4", { kind: "wrong-206", contentRange: "bytes 7-6/5" });
  origin.setFile("/range.mp4", "range");
  origin.setFile("/text.mp4", `no media, ${SECRETS["query in a playlist"]}`);
  origin.setFile("/bad.m3u8", `#EXTM3U\n#EXT-X-VERSION:${segment}\n#EXTINF:x,\n${segment}\n`);
  origin.setFile(
    "/gone.m3u8",
    `#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n${segment}\n#EXT-X-ENDLIST\n`,
  );
}

describe("G6: nothing secret in logs, metrics or pages", () => {
  test("of callbacks that are taken, and of files of every kind", async () => {
    misbehave();
    const { url } = origin;
    const good = recordingOf("good", `${url}/sample.mp4`);
    const files = ["forbidden", "broken", "moved", "dropped", "range", "text", "absent"];
    const { user, password } = {
      user: SECRETS["user of a URL"],
      password: SECRETS["password of a URL"],
    };
    const callbacks = [
      good,
      ...files.map((name) => recordingOf(name, `${url}/${name}.mp4`)),
      recordingOf("busy", `${busyOrigin.url}/busy.mp4`),
      recordingOf("bad", `${url}/bad.m3u8`, "hls"),
      recordingOf("gone", `${url}/gone.m3u8`, "hls"),
      recordingOf("unreachable", "http://127.0.0.1:1/a.mp4"),
      recordingOf("nowhere", "http://192.0.2.1/a.mp4"),
      recordingOf("userinfo", `http://${user}:${password}@127.0.0.1:${origin.port}/a.mp4`),
      // A conflict, an invalid one for many reasons, and an event of another type.
      secretly({ ...(JSON.parse(good.text) as object), file_size: 1, note: "again" }),
      secretly(
        recordingNamed("invalid", {
          file_size: "s",
          start_time: {},
          stream_param: `txSecret=${SECRETS["push secret"]}`,
          video_url: `ftp://${user}:${password}@h.test/?sign=${SECRETS["query of a signed URL"]}`,
        }),
      ),
      secretly(
        { event_type: 1, stream_param: `txSecret=${SECRETS["push secret"]}`, stream_id: "begun" },
        SECRETS["second key"],
      ),
    ];
    for (const callback of callbacks) await send(callback);
    // While they wait, each job is there with its whole body.
    await showBoard();
    await startWorker();
    await untilSettled(product.db, callbacks.length);
    await until(
      async () => {
        const { items } = JSON.parse(await show("/api/recordings?limit=200")) as Page<Recording>;
        return items.every(({ state, failure }) => state !== "pending" || failure !== null);
      },
      { what: "a look at every file", timeoutMs: 60_000, intervalMs: 200 },
    );
    await showBoard();
    await showApi();
    const retried = JSON.parse(
      await show("/api/recordings?stream_id=forbidden"),
    ) as Page<Recording>;
    const retry = await dashboard.fetch(`/api/recordings/${retried.items[0]?.id}/retry`, {
      method: "POST",
    });
    shown.set("a retry", await retry.text());
    expect(retry.status).toBe(202);
  });

  test("of callbacks and logins that are refused", async () => {
    const { text } = recordingOf("refused", `${origin.url}/sample.mp4`);
    const paths = [
      `/${SECRETS["path token"]}`,
      `/${SECRETS["path token"]}x`,
      `/${SECRETS["path token"]}/x?sign=${SECRETS["query of a signed URL"]}`,
      `/${SECRETS["path token"]}%`,
    ];
    const bodies = [
      text.slice(0, -1),
      text.replace('"sign":"', '"sign":"0'),
      text.replace('{"', '{"stream_param":"a","'),
      `"${SECRETS["push secret"]}"`,
      text.replace(/"t":\d+/u, `"t":"${SECRETS["push secret"]}"`),
      text.padEnd(100_000),
    ];
    for (const path of paths) {
      for (const body of bodies) {
        const { status, body: answer } = await post(ingress.callbackUrl + path, body);
        expect([400, 401, 404, 413]).toContain(status);
        shown.set(`${shown.size}: the answer to a refused callback`, JSON.stringify(answer));
      }
    }
    for (const authorization of [
      `Basic ${Buffer.from(`admin:${SECRETS["wrong dashboard password"]}`).toString("base64")}`,
      `Basic ${SECRETS["wrong dashboard password"]}`,
      `Bearer ${SECRETS["dashboard password"]}`,
    ]) {
      const response = await fetch(`${dashboard.url}/api/stats`, { headers: { authorization } });
      expect(response.status).toBe(401);
      shown.set(`${shown.size}: the answer to a refused login`, await response.text());
    }
  });

  test("of the loss of Redis and of Postgres", async () => {
    const { log } = workers[0]!;
    const url = `${ingress.callbackUrl}/${SECRETS["path token"]}`;
    await postgres.kill("SIGKILL");
    await send(recordingOf("without-postgres", `${origin.url}/sample.mp4`));
    await log.waitFor(({ msg }) => msg?.startsWith("Postgres is away") === true);
    await show("/api/recordings");
    await product.redis.kill("SIGKILL");
    const refused = recordingOf("away", `${origin.url}/sample.mp4`);
    expect(await post(url, refused.text)).toMatchObject({ status: 503 });
    for (const path of ["/api/recordings", "/api/stats", "/queues/api/queues"]) await show(path);
    await log.waitFor(({ msg }) => msg === "trouble with Redis");
    for (const app of [ingress, dashboard, ...workers]) {
      shown.set(
        `readiness of process ${app.pid}`,
        await (await fetch(`${app.opsUrl}/readyz`)).text(),
      );
    }
    await Promise.all([product.redis.restart(), postgres.restart()]);
    await until(async () => (await post(url, refused.text)).status === 200, { timeoutMs: 30_000 });
    await until(
      async () => (await dashboard.fetch("/api/recordings?stream_id=away")).status === 200,
      { timeoutMs: 30_000, intervalMs: 100 },
    );
    await showApi();
  });

  test("and in all of that there is none", async () => {
    for (const app of [ingress, dashboard, ...workers]) {
      shown.set(
        `metrics of process ${app.pid}`,
        await (await fetch(`${app.opsUrl}/metrics`)).text(),
      );
      await app.stop();
      shown.set(`log of process ${app.pid}`, app.log.text());
      shown.set(`what process ${app.pid} printed besides`, app.plainLines.join("\n"));
    }
    // A part of one would be too much as well: all that were made up for this test begin like this.
    const mark = "s3cr3t";
    expect([...shown].filter(([, text]) => text.includes(mark)).map(([where]) => where)).toEqual(
      [],
    );
    const leaks = [...shown].flatMap(([where, text]) =>
      Object.entries(SECRETS)
        .filter(([, secret]) =>
          [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")].some(
            (form) => text.includes(form),
          ),
        )
        .map(([what]) => `${what} in ${where}`),
    );
    expect(leaks).toEqual([]);
    // What was looked through did speak of these callbacks, files and outages.
    const all = [...shown.values()].join("\n");
    const visible = [
      "stream_id",
      "txSecret=[redacted]",
      "media_forbidden",
      "media_playlist_invalid",
      "media_not_media",
      "media_url_forbidden",
      "media_connection_failed",
      "callback refused",
      "a login was refused",
      "ECONNREFUSED",
      "Postgres is away",
      "reelgate_callbacks_settled_total",
      "reelgate_ingress_answers_total",
      '"session_id":"plain"',
    ];
    expect(visible.filter((text) => !all.includes(text))).toEqual([]);
  });
});
