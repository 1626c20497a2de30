import { fileURLToPath } from "node:url";
import { createDatabase } from "@reelgate/catalogue/admin";
import { migrateToLatest } from "@reelgate/catalogue/migrate";
import { runLauncher } from "../../src/run-launcher.ts";

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

await runLauncher(process.argv.slice(2), {
  root: fileURLToPath(new URL("../../../../", import.meta.url)),
  migrate: migrateToLatest,
  createDatabase,
  scripts: {
    ingress: script("ingress.mjs"),
    worker: script("app.mjs"),
    dashboard: script("app.mjs"),
  },
});
