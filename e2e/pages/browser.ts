import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { findProgram } from "@reelgate/launcher/servers/find-program";
import { trackHandle } from "@reelgate/testkit/open-handles";
import { chromium } from "playwright-core";
import type { BrowserContext, BrowserContextOptions, Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** The browser by `CHROMIUM_PATH`, else the one that is installed. */
function chromiumPath(): string {
  const given = process.env["CHROMIUM_PATH"] ?? "";
  const found = given === "" ? findProgram(NAMES, process.env["PATH"] ?? "") : given;
  if (found !== null) return found;
  throw new Error(
    "No Chromium was found. Install it (Debian: `apt-get install chromium`) or set CHROMIUM_PATH.",
  );
}

export interface TestBrowser extends AsyncDisposable {
  /** A new profile, logged in to the dashboard. */
  open(options?: BrowserContextOptions): Promise<TestPage>;
}

/** A page with everything that went wrong in it: a test that finds any of it has failed. */
export interface TestPage extends AsyncDisposable {
  page: Page;
  context: BrowserContext;
  /** Console errors, exceptions, dialogs, violations of the content security policy, in the order that they came. */
  problems: string[];
}

/** A browser that talks to nothing but the dashboard. */
export async function startBrowser(dashboard: {
  url: string;
  password: string;
}): Promise<TestBrowser> {
  const browser = await chromium.launch({
    executablePath: chromiumPath(),
    args: [
      // Chromium's sandbox refuses to run as root.
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--autoplay-policy=no-user-gesture-required",
    ],
  });
  const close = async (): Promise<void> => {
    await browser.close();
    untrack();
  };
  const untrack = trackHandle("Chromium", close);
  return {
    async open(options = {}) {
      const context = await browser.newContext({
        baseURL: dashboard.url,
        httpCredentials: { username: "admin", password: dashboard.password },
        viewport: { width: 1280, height: 800 },
        locale: "en-GB",
        timezoneId: "Asia/Shanghai",
        reducedMotion: "reduce",
        ...options,
      });
      context.setDefaultTimeout(10_000);
      const page = await context.newPage();
      const problems = await watch(page);
      return { page, context, problems, [Symbol.asyncDispose]: () => context.close() };
    },
    [Symbol.asyncDispose]: close,
  };
}

async function watch(page: Page): Promise<string[]> {
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
  page.on("dialog", (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.exposeFunction("reportViolation", (text: string) => {
    problems.push(`content security policy: ${text}`);
  });
  await page.addInitScript(`document.addEventListener("securitypolicyviolation", (event) =>
    reportViolation([event.violatedDirective, event.blockedURI, event.sample].join(" ")))`);
  return problems;
}

const axeSource = readFile(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

/** What axe finds serious or critical on the page as it stands, one line for each element. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  // Evaluated by the debugger: the page's own policy lets no such script in.
  await page.evaluate(await axeSource);
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(context: object, options: object): Promise<AxeResults> };
    };
    const { violations } = await axe.run(
      // Rows repeat, and contrast is measured for each.
      { exclude: [[".recordings tr:nth-child(n+10)"], [".callbacks > li:nth-child(n+10)"]] },
      { resultTypes: ["violations"] },
    );
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`),
      );

    interface AxeResults {
      violations: {
        id: string;
        impact: string | null;
        nodes: { target: string[]; failureSummary: string }[];
      }[];
    }
  });
}

/** What makes the page scroll sideways; nothing when it does not. */
export async function tooWide(page: Page): Promise<string[]> {
  return await page.evaluate<string[]>(`(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    return ["scrolls sideways by " + (scrollWidth - clientWidth), ...[...document.body.querySelectorAll("*")]
      .filter((element) => element.getBoundingClientRect().right > clientWidth + 0.5)
      .map((element) => "too wide: " + element.tagName + "." + element.getAttribute("class"))].slice(0, 6);
  })()`);
}
