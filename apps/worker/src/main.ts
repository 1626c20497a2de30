import { runService } from "@reelgate/shared/lifecycle";
import { compose } from "./compose.ts";
import { checkWorkerConfig } from "./config.ts";

await runService(compose, checkWorkerConfig);
