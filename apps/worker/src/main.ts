import { runService } from "@reelgate/shared/lifecycle";
import { compose } from "./compose.ts";

await runService(compose);
