import { createHash } from "node:crypto";
import { withoutQuery } from "@reelgate/shared/redact";
import type { RecordingEvent } from "@reelgate/shared/contract/recording-event";

/**
 * What makes two callbacks about the same recording (guarantee G3).
 *
 * The provider's file id is unique; without it, the recording file id in one format (HLS and MP4 of one task are two
 * recordings); without both, everything that describes the file. The query of the URL is left out of the last: it is a
 * signature that differs each time.
 *
 * The text is stored and unique in the catalogue: a change of this rule would double every recording that a later
 * callback names again.
 */
export function identityOf(event: RecordingEvent): string {
  if (event.fileId !== null) return `file:${event.appid}:${event.fileId}`;
  if (event.recordFileId !== null) {
    return `record:${event.appid}:${event.recordFileId}:${event.format}`;
  }
  const described = [
    event.appid,
    event.app,
    event.appname,
    event.streamId,
    event.format,
    event.startedAtUs,
    withoutQuery(event.videoUrl),
  ];
  // JSON keeps the parts apart: ["a","bc"] and ["ab","c"] are two texts.
  const digest = createHash("sha256").update(JSON.stringify(described)).digest("hex");
  return `hash:${digest}`;
}
