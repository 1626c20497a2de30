import { fileURLToPath } from "node:url";
import { createDatabase } from "@reelgate/catalogue/admin";
import { migrateToLatest } from "@reelgate/catalogue/migrate";
import { runLauncher } from "./run-launcher.ts";

await runLauncher(process.argv.slice(2), {
  root: fileURLToPath(new URL("../../../", import.meta.url)),
  migrate: migrateToLatest,
  createDatabase,
});
