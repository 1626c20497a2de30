import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessibilityProblems, tooWide } from "./pages/browser.ts";
import { shownPages } from "./pages/shown-pages.ts";
import { spreadOverTime } from "./pages/spread.ts";
import { startStage } from "./pages/stage.ts";
import type { Stage } from "./pages/stage.ts";

/** A folder for pictures of every page, for people who judge by their eyes. */
const SCREENSHOTS = process.env["SCREENSHOTS_DIR"] ?? "";

let stage: Stage;

beforeAll(async () => {
  const nowMs = Date.now();
  stage = await startStage(nowMs, { cameras: 100 });
  await spreadOverTime(stage.product.db, nowMs);
  if (SCREENSHOTS !== "") await mkdir(SCREENSHOTS, { recursive: true });
});
afterAll(() => stage[Symbol.asyncDispose]());

describe.each(["light", "dark"] as const)("in %s colours", (colorScheme) => {
  test.each([
    ["a desk", 1280, 800],
    ["a phone", 375, 740],
  ] as const)("every page is readable on %s", async (_where, width, height) => {
    await using opened = await stage.browser.open({ colorScheme, viewport: { width, height } });
    const { page, problems } = opened;
    const unreadable: string[] = [];
    for (const { name, path, ready, act } of shownPages(stage.scene)) {
      await page.goto(path);
      await page.locator(ready).first().waitFor();
      await page.locator(".skeleton-line").first().waitFor({ state: "detached" });
      await act?.(page);
      if (SCREENSHOTS !== "") {
        const file = `${name}-${colorScheme}-${width}.png`;
        await page.screenshot({ path: join(SCREENSHOTS, file), fullPage: true });
      }
      const found = await tooWide(page);
      // What axe looks at is the same at any width.
      if (width > 1000) found.push(...(await accessibilityProblems(page)));
      unreadable.push(...found.map((problem) => `${name}: ${problem}`));
    }
    expect(unreadable).toEqual([]);
    expect(problems).toEqual([]);
  });
});
