import { runService } from "@reelgate/shared/lifecycle";
import { compose } from "./compose.ts";
import { checkDashboardConfig, readConfig } from "./config.ts";

await runService(() => compose(readConfig()), checkDashboardConfig);
