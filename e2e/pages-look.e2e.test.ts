import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { accessibilityProblems, tooWide } from "./pages/browser.ts";
import { shownPages } from "./pages/shown-pages.ts";
import { spreadOverTime } from "./pages/spread.ts";
import { startStage } from "./pages/stage.ts";
import type { Stage } from "./pages/stage.ts";

/** A folder for pictures of every page, for people who judge by their eyes. */
const SCREENSHOTS = process.env["SCREENSHOTS_DIR"] ?? "";

const THEMES = ["light", "dark"] as const;
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 375, height: 740 };

let stage: Stage;

beforeAll(async () => {
  const nowMs = Date.now();
  stage = await startStage(nowMs, { cameras: 60 });
  await spreadOverTime(stage.product.db, nowMs);
  if (SCREENSHOTS !== "") await mkdir(SCREENSHOTS, { recursive: true });
});
afterAll(() => stage[Symbol.asyncDispose]());

async function picture(page: Page, name: string): Promise<void> {
  if (SCREENSHOTS === "") return;
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}

test("every page is accessible in light and dark, and fits a phone, without an error", async () => {
  const queue = shownPages(stage.scene).values();
  /** While one page waits for its data, another is looked at. */
  const lookAtPages = async (): Promise<string[]> => {
    await using opened = await stage.browser.open();
    const { page, problems } = opened;
    const found: string[] = [];
    for (const { name, path, ready, act } of queue) {
      await page.setViewportSize(DESK);
      await page.goto(path);
      await page.locator(ready).first().waitFor();
      await page.locator(".skeleton-line").first().waitFor({ state: "detached" });
      await act?.(page);
      for (const colorScheme of THEMES) {
        await page.setViewportSize(DESK);
        await page.emulateMedia({ colorScheme });
        await picture(page, `${name}-${colorScheme}-desk`);
        const unreadable = [...(await tooWide(page)), ...(await accessibilityProblems(page))];
        await page.setViewportSize(PHONE);
        await picture(page, `${name}-${colorScheme}-phone`);
        unreadable.push(...(await tooWide(page)));
        found.push(...unreadable.map((problem) => `${name}, ${colorScheme}: ${problem}`));
      }
    }
    return [...found, ...problems];
  };
  const found = await Promise.all([lookAtPages(), lookAtPages()]);
  expect(found.flat()).toEqual([]);
});
