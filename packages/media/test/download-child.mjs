/*
 * A process that downloads, for tests that kill it: `node --conditions=source download-child.mjs URL ROOT NAME`. Takes any
 * bytes for a sound recording. Prints the number of bytes so far, a line each, then the result as JSON.
 */
import { downloadMedia } from "../src/download/download-media.ts";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient } from "../src/http/media-client.ts";
import { NOTHING_DECLARED } from "../src/report/compare-declared.ts";
import { createLocalFolderStorage } from "../src/storage/local-folder.ts";
import { takeForSound } from "./download-setup.ts";

const [url = "", root = "", name = ""] = process.argv.slice(2);
const client = createMediaClient({ allowedHosts: parseAllowedHosts("127.0.0.1") });
const result = await downloadMedia(
  client,
  url,
  NOTHING_DECLARED,
  name,
  createLocalFolderStorage(root),
  {
    verify: takeForSound,
    onProgress: ({ bytesDone }) => process.stdout.write(`${bytesDone}\n`),
  },
);
await client.close();
process.stdout.write(`${JSON.stringify({ ...result, maxRss: process.resourceUsage().maxRSS })}\n`);
