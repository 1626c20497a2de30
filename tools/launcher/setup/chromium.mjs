import { findProgram } from "./find-program.mjs";
import { step } from "./progress.mjs";
import { rootPrefix } from "./root-prefix.mjs";
import { lastReason, runQuietly } from "./run-quietly.mjs";
import { SetupError } from "./setup-error.mjs";

/** The names that the browser tests look for, too: e2e/pages/browser.ts. */
const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/**
 * Ubuntu's package of this name is a wrapper that needs snap, which containers do not have; then what is found is no
 * browser, and the tests say so.
 */
const INSTALLERS = [
  {
    program: "apt-get",
    script:
      "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium",
  },
  { program: "dnf", script: "dnf install -y chromium" },
  { program: "apk", script: "apk add --no-cache chromium" },
];

const ADVICE =
  "Install Chromium (Debian: `apt-get install chromium`), or set CHROMIUM_PATH to a Chrome or Chromium of yours";

/** Makes sure that there is a browser for the tests of the dashboard's pages. */
export async function ensureChromium() {
  if ((process.env.CHROMIUM_PATH ?? "") !== "" || findProgram(NAMES) !== null) return;
  const installer = INSTALLERS.find(({ program }) => findProgram([program]) !== null);
  if (installer === undefined) throw new SetupError(`There is no Chromium. ${ADVICE}.`);
  const prefix = await rootPrefix();
  if (prefix === null) {
    throw new SetupError(
      `There is no Chromium, and installing it needs root or a sudo without password. ${ADVICE}.`,
    );
  }
  const { code, output } = await step(`Installing Chromium with ${installer.program}`, () => {
    const [command, ...args] = [...prefix, "sh", "-c", installer.script];
    return runQuietly(command, args);
  });
  if (code !== 0 || findProgram(NAMES) === null) {
    throw new SetupError(
      `Chromium could not be installed with ${installer.program} (${lastReason(output)}). ${ADVICE}.`,
    );
  }
}
