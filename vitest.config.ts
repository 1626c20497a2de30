import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import type { ViteUserConfig } from "vitest/config";

/** Workspace packages are tested from their source; `dist` is for the built processes of e2e alone. */
const resolve = { conditions: ["source", "node"] };
/** The tests, and the global set-up, each have a Vite environment of their own, with conditions of its own. */
const environments = { ssr: { resolve }, __vitest__: { resolve } };
const setupFiles = ["packages/testkit/src/vitest-setup.ts"];
const globalSetup = ["packages/testkit/src/vitest-global-setup.ts"];

/**
 * Files at a time. By itself vitest leaves one core to its main process, which on two cores means one file after the
 * other, though that process has next to nothing to do and most files spend half of their time waiting for servers,
 * deadlines and polls.
 */
const CORES = availableParallelism();
/** A condition that is polled is given up when something hangs, and not when the machine is busy (by default 1 s). */
const expect = { poll: { timeout: 30_000 } };

const config: ViteUserConfig = defineConfig({
  test: {
    allowOnly: false,
    passWithNoTests: false,
    projects: [
      {
        resolve,
        environments,
        test: {
          name: "unit",
          include: [
            "{apps,packages}/*/src/**/*.test.ts",
            "apps/dashboard/web/src/**/*.test.ts",
            "tools/*/{src,test}/**/*.test.ts",
            "chaos/src/**/*.test.ts",
          ],
          exclude: ["**/node_modules/**", "**/dist/**", "**/*.int.test.ts"],
          setupFiles,
          // Two shared cores now and then stall a test that takes milliseconds.
          testTimeout: 20_000,
          expect,
          maxWorkers: CORES,
          sequence: { groupOrder: 0 },
        },
      },
      {
        resolve,
        environments,
        test: {
          name: "integration",
          include: ["{apps,packages,tools}/*/test/**/*.int.test.ts"],
          setupFiles,
          globalSetup,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect,
          maxWorkers: CORES + 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        resolve,
        environments,
        test: {
          // The built processes: a file has some ten of them, and a core of its own as far as that goes.
          name: "e2e",
          include: ["{e2e,chaos}/**/*.e2e.test.ts"],
          setupFiles,
          globalSetup,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          expect,
          maxWorkers: CORES,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});

export default config;
