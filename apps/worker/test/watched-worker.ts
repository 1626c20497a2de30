/** A worker whose watchdog has less patience than can be configured, as a process: what is tested is how it ends. */
import { runService } from "@reelgate/shared/lifecycle";
import { compose } from "../src/compose.ts";
import { checkWorkerConfig, readWorkerConfig } from "../src/config.ts";

await runService(
  (signal) => compose(signal, { ...readWorkerConfig(), watchdogS: 1, shutdownGraceMs: 4000 }),
  checkWorkerConfig,
);
