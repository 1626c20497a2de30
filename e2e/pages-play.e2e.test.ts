import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startStage } from "./pages/stage.ts";
import type { Stage } from "./pages/stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await startStage(Date.now(), { cameras: 60 });
});
afterAll(() => stage[Symbol.asyncDispose]());

interface Asked {
  path: string;
  range: string | null;
  status: number;
}

/** Every answer that has to do with a player, in the order in which they came. */
function watchMedia(page: Page): Asked[] {
  const asked: Asked[] = [];
  page.on("response", (response) => {
    const path = new URL(response.url()).pathname;
    if (!/\/copy|hls-|mpegts-|player-/u.test(path)) return;
    asked.push({
      path,
      range: response.request().headers()["range"] ?? null,
      status: response.status(),
    });
  });
  return asked;
}

const currentTime = (page: Page) =>
  page.evaluate<number>("document.querySelector('video').currentTime");

async function play(page: Page, id: string): Promise<void> {
  await page.goto(`/recordings/${id}`);
  await page.getByRole("button", { name: "Play the stored copy" }).click();
  // Muted, for machines without a sound card.
  await page.locator("video").waitFor();
  await page.evaluate("document.querySelector('video').muted = true");
  await expect
    .poll(() => currentTime(page), {
      timeout: 20_000,
    })
    .toBeGreaterThan(0.3);
}

describe("a stored copy", () => {
  test.each([
    {
      format: "mp4",
      loads: [{ path: /\/copy$/u, status: 206, range: expect.stringMatching(/^bytes=/u) }],
    },
    {
      format: "hls",
      loads: [
        { path: /\/hls-/u, status: 200, range: null },
        { path: /\/copy\/index\.m3u8$/u, status: 200, range: null },
        { path: /\/copy\/segment0\.ts$/u, status: 200, range: null },
      ],
    },
    {
      format: "flv",
      loads: [
        { path: /\/mpegts-/u, status: 200, range: null },
        { path: /\/copy$/u, status: 200, range: null },
      ],
    },
    {
      format: "aac",
      loads: [{ path: /\/copy$/u, status: 206, range: expect.stringMatching(/^bytes=/u) }],
    },
  ])("is played: $format", async ({ format, loads }) => {
    await using opened = await stage.browser.open();
    const { page, problems } = opened;
    const asked = watchMedia(page);
    await play(page, stage.scene[format as "mp4" | "hls" | "flv" | "aac"]);
    for (const load of loads) {
      expect(asked).toContainEqual({
        path: expect.stringMatching(load.path),
        status: load.status,
        range: load.range,
      });
    }
    expect(asked.filter(({ status }) => status >= 400)).toEqual([]);
    expect(problems).toEqual([]);
  });

  test("loads no player before one is asked for", async () => {
    await using opened = await stage.browser.open();
    const asked = watchMedia(opened.page);
    await opened.page.goto(`/recordings/${stage.scene.hls}`);
    await opened.page.getByRole("button", { name: "Play the stored copy" }).waitFor();
    expect(asked).toEqual([]);
  });

  test("can be sought in, and closed", async () => {
    await using opened = await stage.browser.open();
    const { page, problems } = opened;
    await play(page, stage.scene.hls);
    await page.evaluate("document.querySelector('video').currentTime = 4");
    await expect.poll(() => currentTime(page)).toBeGreaterThan(4.1);
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByRole("button", { name: "Play the stored copy" }).waitFor();
    expect(problems).toEqual([]);
  });
});

test("a codec that this browser does not play is named before anything is loaded", async () => {
  await using opened = await stage.browser.open();
  const { page, problems } = opened;
  await page.addInitScript(`MediaSource.isTypeSupported = (type) => !type.includes("hvc1");
    HTMLMediaElement.prototype.canPlayType = () => "";`);
  await page.goto(`/recordings/${stage.scene.hevc}`);
  await page.getByText("This browser does not play hevc.").waitFor();
  expect(problems).toEqual([]);
});

test("a recording without a copy says how one is made", async () => {
  await using opened = await stage.browser.open();
  await opened.page.goto(`/recordings/${stage.scene.broken}`);
  await opened.page.getByText("There is no stored copy to play.").waitFor();
  await opened.page.getByText("Segment 41 of 100 (seg-41.ts) is not there: 404.").waitFor();
  expect(opened.problems).toEqual([]);
});

describe("when something is away", () => {
  test("Redis: the overview says so, and goes on", async () => {
    await using opened = await stage.browser.open();
    const { page } = opened;
    await page.goto("/");
    await page.locator(".chart").waitFor();
    await stage.product.redis.kill("SIGKILL");
    await page.getByText("Redis is away.").waitFor({ timeout: 20_000 });
    await page.getByText("the queues cannot be counted").waitFor();
    await page.locator(".chart").waitFor();
    await stage.product.redis.restart();
    await page.getByText("Redis is away.").waitFor({ state: "detached", timeout: 20_000 });
    expect(opened.problems).toEqual([]);
  });

  test("the API: a banner stands over what was shown, until it is back", async () => {
    await using opened = await stage.browser.open();
    const { page } = opened;
    await page.goto("/recordings");
    await page.locator(".recordings").waitFor();
    await page.route("**/api/**", (route) => route.abort());
    await page.getByText("The dashboard cannot be reached.").waitFor({ timeout: 15_000 });
    expect(await page.locator(".recordings tbody tr").count()).toBe(50);
    // A page that was not read yet says it in its own place, and can be tried again.
    await page.getByRole("navigation").getByRole("link", { name: "Callbacks" }).click();
    await page.getByText("This could not be loaded").waitFor();
    await page.unroute("**/api/**");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".callbacks").waitFor();
    await page.getByText("The dashboard cannot be reached.").waitFor({ state: "detached" });
  });
});
