import type { MediaClient, Prefix } from "../../http/media-client.ts";
import { isNotThere } from "../../hls/read-part.ts";
import { waitAfterFailure } from "../retry-schedule.ts";
import type { DownloadTask } from "../download-task.ts";

/**
 * The task's client, whose small reads (playlists and keys) are tried again as the files are: after a failure that may
 * heal, and once when the origin says that there is nothing.
 */
export function retryingClient({ client, maxFailures, signal }: DownloadTask): MediaClient {
  return {
    check: (reference, base) => client.check(reference, base),
    open: (url, options) => client.open(url, options),
    async readPrefix(url, maxBytes, readSignal = signal): Promise<Prefix> {
      let wasMissing = false;
      for (let failures = 1; ; failures += 1) {
        try {
          return await client.readPrefix(url, maxBytes, readSignal);
        } catch (error) {
          if (isNotThere(error) && !wasMissing) {
            wasMissing = true;
            continue;
          }
          await waitAfterFailure(error, failures, maxFailures, readSignal);
        }
      }
    },
    close: () => client.close(),
  };
}
