import { runService } from "@reelgate/shared/lifecycle";
import { compose } from "./compose.ts";
import { readConfig } from "./config.ts";

await runService(() => compose(readConfig()));
