import { callbackJobId } from "@reelgate/shared/contract/jobs";
import { readRecordingEvent } from "@reelgate/shared/contract/recording-event";
import type { RecordingEvent } from "@reelgate/shared/contract/recording-event";
import { parseJsonExact } from "@reelgate/shared/json";
import { recordingBody } from "@reelgate/testkit/recording-body";
import { closeDatabase, openDatabase } from "../src/database.ts";
import type { CatalogueDatabase } from "../src/database.ts";
import type { CallbackToSettle, Verdict } from "../src/settle.ts";

/** 2022-01-13T16:00:00.123Z, shortly after the sample recording ended. */
export const RECEIVED_AT_MS = 1_642_089_600_123;

export function open(
  url: string,
  options: { poolSize?: number; statementTimeoutMs?: number; connectTimeoutMs?: number } = {},
): CatalogueDatabase & AsyncDisposable {
  const db = openDatabase({
    url,
    poolSize: 10,
    statementTimeoutMs: 30_000,
    ...options,
    applicationName: "reelgate-test",
    onError: () => {},
  });
  return Object.assign(db, { [Symbol.asyncDispose]: () => closeDatabase(db) });
}

/** The callback that stage 1 makes of a body. `identity` is of the file id, as stage 1 makes it for such bodies. */
export function callbackOf(
  body: string,
  changes: Partial<CallbackToSettle> = {},
): CallbackToSettle {
  return {
    id: callbackJobId(Buffer.from(body)),
    body,
    receivedAtMs: RECEIVED_AT_MS,
    requestId: "request-1",
    remoteAddress: "203.0.113.7",
    keyIndex: 0,
    eventType: "100",
    unknownFields: [],
    verdict: verdictOf(body),
    ...changes,
  };
}

/** The sample callback with some fields changed. */
export function sample(changes: Readonly<Record<string, unknown>> = {}): CallbackToSettle {
  return callbackOf(recordingBody(changes));
}

export function eventOf(body: string): RecordingEvent {
  const read = readRecordingEvent(parseJsonExact(body) as Record<string, unknown>);
  if (read.kind === "invalid") throw new Error(JSON.stringify(read.problems));
  return read.event;
}

function verdictOf(body: string): Verdict {
  const read = readRecordingEvent(parseJsonExact(body) as Record<string, unknown>);
  if (read.kind === "invalid") return { kind: "invalid", problems: read.problems };
  const { event, tolerated } = read;
  return { kind: "recording", identity: `file:${event.appid}:${event.fileId}`, event, tolerated };
}
