import type { Page } from "playwright-core";
import type { Scene } from "./scene.ts";
import { TIMELINE_STREAM } from "./scene.ts";

export interface ShownPage {
  name: string;
  path: string;
  /** What is there when the page has its data. */
  ready: string;
  /** What is done with it then. */
  act?: (page: Page) => Promise<void>;
}

/** Every page with something on it, for what holds of all. */
export function shownPages(scene: Scene): ShownPage[] {
  return [
    { name: "overview", path: "/", ready: ".chart" },
    { name: "recordings", path: "/recordings", ready: ".recordings" },
    {
      name: "recordings-filtered",
      path: "/recordings?state=failed&format=mp4",
      ready: ".recordings",
    },
    {
      name: "recordings-more-filters",
      path: "/recordings?state=failed&from=2020-01-01T00:00:00.000Z",
      ready: ".recordings",
      act: (page) => page.getByRole("button", { name: "More filters" }).click(),
    },
    {
      name: "recordings-retry",
      path: "/recordings?state=failed",
      ready: ".recordings",
      act: async (page) => {
        await page.getByRole("button", { name: "Retry these" }).click();
        await page.getByRole("button", { name: /^Retry \d+ recordings$/u }).waitFor();
      },
    },
    { name: "recordings-none", path: "/recordings?q=nothing-is-called-so", ready: ".empty" },
    { name: "recording", path: `/recordings/${scene.mp4}`, ready: ".compare" },
    { name: "recording-broken", path: `/recordings/${scene.broken}`, ready: ".findings" },
    { name: "recording-conflict", path: `/recordings/${scene.conflict}`, ready: ".callbacks" },
    {
      name: "recording-conflict-open",
      path: `/recordings/${scene.conflict}`,
      ready: ".callbacks",
      act: (page) => page.locator(".callbacks summary").last().click(),
    },
    {
      name: "recording-playing",
      path: `/recordings/${scene.mp4}`,
      ready: ".compare",
      act: async (page) => {
        await page.getByRole("button", { name: "Play the stored copy" }).click();
        await page.locator("video").waitFor();
      },
    },
    { name: "streams", path: "/streams", ready: ".stream-card" },
    { name: "stream", path: `/streams/${TIMELINE_STREAM}`, ready: ".segment" },
    {
      name: "stream-table",
      path: `/streams/${TIMELINE_STREAM}?zoom=day`,
      ready: ".segment",
      act: (page) => page.getByText("As a table").last().click(),
    },
    { name: "callbacks", path: "/callbacks", ready: ".callbacks" },
    { name: "callbacks-invalid", path: "/callbacks?outcome=invalid", ready: ".callbacks" },
    { name: "not-found", path: "/no/such/page", ready: ".empty" },
  ];
}
