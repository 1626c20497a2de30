import { fileURLToPath } from "node:url";
import { createDatabase } from "@reelgate/catalogue/admin";
import { migrateToLatest } from "@reelgate/catalogue/migrate";
import { runLauncher } from "../../src/run-launcher.ts";

const app = fileURLToPath(new URL("app.mjs", import.meta.url));

await runLauncher(process.argv.slice(2), {
  root: fileURLToPath(new URL("../../../../", import.meta.url)),
  migrate: migrateToLatest,
  createDatabase,
  scripts: {
    ingress: fileURLToPath(new URL("ingress.mjs", import.meta.url)),
    worker: app,
    dashboard: app,
  },
});
