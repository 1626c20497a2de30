import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TestPage } from "./pages/browser.ts";
import { HOSTILE_STREAMS, TIMELINE_STREAM } from "./pages/scene.ts";
import { bodyOf, looked } from "./pages/seed.ts";
import { startStage } from "./pages/stage.ts";
import type { Stage } from "./pages/stage.ts";

/** More than one page of the API holds. */
const CAMERAS = 230;

let stage: Stage;

beforeAll(async () => {
  stage = await startStage(Date.now(), { cameras: CAMERAS });
});
afterAll(() => stage[Symbol.asyncDispose]());

/** A page that must come to its end without an error in the console, a dialog or a forbidden script. */
async function expectInBrowser(path: string, use: (page: Page, opened: TestPage) => Promise<void>) {
  await using opened = await stage.browser.open();
  await opened.page.goto(path);
  await use(opened.page, opened);
  expect(opened.problems).toEqual([]);
}

const rows = (page: Page) => page.locator(".recordings tbody tr");
const heading = (page: Page, name: string) =>
  page.getByRole("heading", { level: 1, name, exact: true });

describe("the ways between the pages", () => {
  test("lead everywhere and back, and say where the reader is", async () => {
    await expectInBrowser("/", async (page) => {
      await heading(page, "Overview").waitFor();
      for (const name of ["Recordings", "Streams", "Callbacks"]) {
        await page.getByRole("navigation").getByRole("link", { name }).click();
        await heading(page, name).waitFor();
        expect(await page.title()).toBe(`${name} · Reelgate`);
        await page.locator("h1:focus").waitFor();
      }
      await page.goBack();
      await heading(page, "Streams").waitFor();
      await page.goBack();
      await heading(page, "Recordings").waitFor();
      await rows(page).first().getByRole("link").first().click();
      await page.locator(".compare").waitFor();
      await page.reload();
      await page.locator(".compare").waitFor();
    });
  });

  test("numbers of the overview lead to what they count", async () => {
    await expectInBrowser("/", async (page) => {
      await page.getByRole("link", { name: /^Failed/u }).click();
      await heading(page, "Recordings").waitFor();
      expect(new URL(page.url()).search).toBe("?state=failed");
      await page.goBack();
      await page.getByRole("link", { name: /^invalid/u }).click();
      await page.locator(".callbacks").waitFor();
      expect(await page.locator(".callbacks > li").count()).toBe(2);
    });
  });
});

test("an address with user and password in it shows what every other shows", async () => {
  const address = new URL("/recordings?state=failed", stage.dashboard.url);
  address.username = "admin";
  address.password = stage.dashboard.password;
  await expectInBrowser(address.href, async (page) => {
    await rows(page).first().waitFor();
    expect(new URL(page.url()).search).toBe("?state=failed");
  });
});

describe("the list of recordings", () => {
  test("is filtered by what is chosen, and the address keeps it", async () => {
    await expectInBrowser("/recordings", async (page) => {
      await page.getByLabel("State", { exact: true }).selectOption("failed");
      await page.getByLabel("Format", { exact: true }).selectOption("hls");
      await page.waitForURL("**/recordings?state=failed&format=hls");
      await page.getByRole("status").filter({ hasText: "no more follow" }).waitFor();
      const states = await page.locator(".recordings .badge").allTextContents();
      expect(new Set(states.filter((text) => /^(?:pending|indexed|stored)$/u.test(text)))).toEqual(
        new Set(),
      );
      await page.reload();
      expect(await page.getByLabel("State", { exact: true }).inputValue()).toBe("failed");
      await page.getByRole("button", { name: "Remove the filter Format" }).click();
      await page.waitForURL("**/recordings?state=failed");
      await page.getByRole("button", { name: "Clear all" }).click();
      await page.waitForURL("**/recordings");
    });
  });

  test("finds one by its id, and says when there is none", async () => {
    await expectInBrowser("/recordings", async (page) => {
      await page.locator(".recordings").waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type("arena-main");
      await page.waitForURL("**/recordings?q=arena-main");
      await expect.poll(() => rows(page).count()).toBe(1);
      await page.keyboard.type("-of-nowhere");
      await page.getByText("No recording matches").waitFor();
      await page.getByRole("button", { name: "Clear the filters" }).click();
      await rows(page).nth(10).waitFor();
    });
  });

  test("is searched by what is typed directly after /, also while the page is busy", async () => {
    await expectInBrowser("/recordings", async (page) => {
      await page.locator(".recordings").waitFor();
      const focused = await page.evaluate<string>(`
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }));
        document.activeElement.id;
      `);
      expect(focused).toBe("search");
    });
  });

  test("keeps a filter whose value has a blank at its end when its field is left", async () => {
    await expectInBrowser("/recordings?stream_id=%20a%20", async (page) => {
      await page.getByText("No recording matches").waitFor();
      await page.getByRole("button", { name: "More filters" }).click();
      const field = page.getByLabel("Stream", { exact: true });
      await field.focus();
      await field.blur();
      expect(new URL(page.url()).searchParams.get("stream_id")).toBe(" a ");
      await field.fill("b ");
      await page.waitForURL("**/recordings?stream_id=b");
    });
  });

  test("keeps what is typed on while the text before it is being applied", async () => {
    await expectInBrowser("/recordings", async (page) => {
      await page.locator(".recordings").waitFor();
      const field = page.locator("#search");
      // Another letter comes after the field has asked for the new address, and before it is given its value.
      await page.evaluate(`
        globalThis.shownAtChange = [];
        const field = document.getElementById("search");
        const setValue = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
        for (const name of ["pushState", "replaceState"]) {
          const change = history[name];
          history[name] = function (state, title, address) {
            shownAtChange.push(new URL(address, location.href).search + " " + field.value);
            if (shownAtChange.length === 1) {
              setValue.call(field, "camera-0");
              field.dispatchEvent(new Event("input", { bubbles: true }));
            }
            return change.call(history, state, title, address);
          };
        }
      `);
      await field.fill("camera-");
      await page.waitForURL("**/recordings?q=camera-0");
      expect(await page.evaluate<string[]>("shownAtChange")).toEqual([
        "?q=camera- camera-",
        "?q=camera-0 camera-0",
      ]);
      expect(await field.inputValue()).toBe("camera-0");
    });
  });

  test("is read to its end, far beyond one page", async () => {
    await expectInBrowser("/recordings?app=push.example.com", async (page) => {
      const end = page.getByRole("status").filter({ hasText: "no more follow" });
      await expect
        .poll(
          async () => {
            await page.mouse.wheel(0, 20_000);
            return await end.count();
          },
          { timeout: 20_000 },
        )
        .toBe(1);
      const links = await page
        .locator(".recordings .row-link")
        .evaluateAll((found) => found.map((link) => String(link.getAttribute("href"))));
      expect(links.length).toBeGreaterThan(CAMERAS);
      expect(new Set(links).size).toBe(links.length);
    });
  });

  test("tells of a new one without moving those that are read", async () => {
    await expectInBrowser("/recordings?stream_id=camera-03", async (page) => {
      await rows(page).first().waitFor();
      const before = await page.locator(".recordings").innerText();
      await looked(stage.product.db, { name: "camera-03", startMs: Date.now(), durationS: 5 });
      const show = page.getByRole("button", { name: "Show 1 new recording" });
      await show.waitFor();
      const count = before.split("camera-03").length - 1;
      expect(await rows(page).count()).toBe(count);
      await show.click();
      await expect.poll(() => rows(page).count()).toBe(count + 1);
    });
  });
});

describe("retrying", () => {
  test("one recording says so, and shows it pending", async () => {
    await expectInBrowser(`/recordings/${stage.scene.failed}`, async (page) => {
      await page.getByText("The origin refuses access to the file.").waitFor();
      await page.getByRole("button", { name: "Retry", exact: true }).click();
      await page.getByText("Its file will be looked at again.").waitFor();
      await page.getByRole("button", { name: "Being looked at" }).waitFor();
    });
  });

  test("all that a filter shows asks first, can be left alone, and tells what came of it", async () => {
    await expectInBrowser("/recordings?state=failed&format=mp4", async (page) => {
      await rows(page).first().waitFor();
      await page.getByRole("button", { name: "Retry these" }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("All recordings that are failed, in MP4").waitFor();
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "detached" });
      expect(await rows(page).first().getByText("failed").count()).toBe(1);

      await page.getByRole("button", { name: "Retry these" }).click();
      await dialog.getByRole("button", { name: "Retry all of them" }).click();
      await dialog.getByText(/^Done: \d+ recordings retried\.$/u).waitFor();
      await dialog.getByRole("button", { name: "Close" }).click();
      await page.getByText("No recording matches").waitFor();
    });
  });
});

describe("text from outside", () => {
  test("stays text on every page that shows it", async () => {
    await expectInBrowser("/recordings?state=pending", async (page) => {
      for (const [index, name] of HOSTILE_STREAMS.entries()) {
        await page.goto(`/recordings/${stage.scene.hostile[index]}`);
        await heading(page, name).waitFor();
        for (const summary of await page.locator(".callbacks summary").all()) await summary.click();
        await page.locator("pre", { hasText: "alert(7)" }).waitFor();
        await page.getByRole("link", { name: "On the stream’s timeline" }).click();
        await page.locator(".timeline .segment").first().waitFor();
        await heading(page, name).waitFor();
        // The address leads there through the server as well.
        await page.reload();
        await page.locator(".timeline .segment").first().waitFor();
        await heading(page, name).waitFor();
      }
      for (const path of [
        "/callbacks?outcome=invalid",
        "/callbacks?outcome=unsupported",
        "/recordings?appname=%3Cscript%3E",
      ]) {
        await page.goto(path);
        await page.locator(".callbacks, .empty").first().waitFor();
        for (const summary of await page.locator(".callbacks summary").all()) await summary.click();
      }
      const links = await page.evaluate<string[]>(
        "[...document.querySelectorAll('a')].map((link) => link.href)",
      );
      expect(links.filter((link) => !link.startsWith(`${stage.dashboard.url}/`))).toEqual([]);
    });
  });

  test("of a callback is shown without its secrets", async () => {
    await expectInBrowser(`/recordings/${stage.scene.conflict}`, async (page) => {
      await page.locator(".callbacks summary").nth(2).waitFor();
      for (const summary of await page.locator(".callbacks summary").all()) await summary.click();
      await page.getByText("What it contradicts").waitFor();
      await page.locator(".conflicts").getByText("67500000").waitFor();
      const secret = String(bodyOf({ name: "x", startMs: 0, durationS: 1 })["stream_param"]).slice(
        9,
        22,
      );
      expect(secret).toBe("5ecretPushKey");
      expect(await page.content()).not.toContain(secret);
    });
  });
});

describe("a stream in time", () => {
  test("draws its lanes, tells gaps and overlaps, and is moved by keys", async () => {
    await expectInBrowser(`/streams/${TIMELINE_STREAM}`, async (page) => {
      await page.locator(".segment").first().waitFor();
      expect(await page.locator(".lane").count()).toBe(2);
      const mp4 = page.getByRole("region", { name: "MP4", exact: true });
      await mp4.getByText("2 gaps").waitFor();
      await mp4.getByText(/30 min\s+without a recording/u).waitFor();
      await mp4.getByText(/10 min\s+in 2 recordings at once/u).waitFor();
      await page.getByRole("region", { name: "HLS", exact: true }).getByText("No gaps").waitFor();

      await page.locator(".timeline").focus();
      const range = page.locator(".timeline-range");
      const first = await range.innerText();
      await page.keyboard.press("ArrowLeft");
      await expect.poll(() => range.innerText()).not.toBe(first);
      await page.keyboard.press("+");
      await page.waitForURL("**zoom=1h**");
      await page.keyboard.press("End");
      await page.keyboard.press("-");
      await expect.poll(() => range.innerText()).toBe(first);
      await page.locator(".segment").last().click();
      await page.locator(".compare").waitFor();
    });
  });
});

describe("with the keyboard alone", () => {
  test("a reader comes past the navigation to a recording, and can leave every place", async () => {
    await expectInBrowser("/recordings?q=arena-main", async (page) => {
      await rows(page).first().waitFor();
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      const focused = () => page.evaluate<string>("document.activeElement.textContent.trim()");
      for (
        let presses = 0;
        presses < 20 && !(await focused()).startsWith("arena-main");
        presses++
      ) {
        await page.keyboard.press("Tab");
      }
      const outline = await page.evaluate<string>(
        "getComputedStyle(document.activeElement).outlineStyle",
      );
      expect(outline).toBe("solid");
      await page.keyboard.press("Enter");
      await page.locator("h1:focus", { hasText: "arena-main" }).waitFor();
    });
  });
});

describe("colours", () => {
  test("are those of the system until the reader chooses, and then kept", async () => {
    await using opened = await stage.browser.open({ colorScheme: "dark" });
    const { page, problems } = opened;
    const ground = () =>
      page.evaluate<string>("getComputedStyle(document.documentElement).backgroundColor");
    await page.goto("/streams");
    const dark = await ground();
    await page.getByRole("button", { name: /Change to: Light/u }).click();
    const light = await ground();
    expect(light).not.toBe(dark);
    await page.reload();
    expect(await ground()).toBe(light);
    expect(problems).toEqual([]);
  });
});

// The last of all: from then on every recording is pending.
describe("without a filter", () => {
  test("a retry is one of the whole catalogue, and says how many that are", async () => {
    await expectInBrowser("/recordings", async (page) => {
      await rows(page).first().waitFor();
      await page.getByRole("button", { name: /^Retry/u }).click();
      const dialog = page.getByRole("dialog");
      await dialog.getByText("All recordings of the catalogue").waitFor();
      await dialog.getByRole("button", { name: /^Retry \d+ recordings$/u }).click();
      await dialog.getByText(/^Done: \d+ recordings retried/u).waitFor({ timeout: 20_000 });
      await dialog.getByRole("button", { name: "Close" }).click();
      await page.goto("/recordings?state=indexed");
      await page.getByText("No recording matches").waitFor();
    });
  });
});
