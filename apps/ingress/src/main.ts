import { runService } from "@reelgate/shared/lifecycle";
import { compose } from "./compose.ts";
import { checkIngressConfig } from "./config.ts";

await runService(compose, checkIngressConfig);
