import { createHash } from "node:crypto";
import { callbackId, signature } from "@reelgate/simulator/sign";
import { SAMPLE_BODY } from "@reelgate/testkit/recording-body";

/** The callback key of every ingress that a bench starts. */
const BENCH_KEY = "benchKey-51c0d7";

const DIGITS = 12;
const MARK = "#".repeat(DIGITS);
const DAY_S = 86_400;
/** What bodies of real pushes come to: the stream's own parameters and a signed name in the URL. */
const TARGET_BYTES = 1024;
const STREAMS = 1000;

/** Callbacks that differ in what makes them recordings of their own, each of {@link TARGET_BYTES} bytes. */
export interface CallbackBodies {
  sizeBytes: number;
  text(n: number): string;
  /** The id that the n-th has once it is acknowledged. */
  id(n: number): string;
}

/**
 * @param t end of their validity, Unix time in seconds: another one makes other callbacks of the same recordings.
 */
export function callbackBodies(t: number = inOneDay()): CallbackBodies {
  const fields = (streamParam: string): string =>
    JSON.stringify({
      ...SAMPLE_BODY,
      t,
      sign: signature(BENCH_KEY, t),
      start_time: t - DAY_S - 3600,
      end_time: t - DAY_S - 1800,
      stream_id: `channel-${MARK}`,
      channel_id: `channel-${MARK}`,
      file_id: `9009${MARK}`,
      record_file_id: `9009${MARK}`,
      task_id: `task-${MARK}`,
      file_format: "mp4",
      // No such address is ever routed (RFC 5737): a worker that looks at it refuses it before anything is sent.
      video_url: `http://192.0.2.1/0123456789abcdef/${MARK}/f0.mp4`,
      stream_param: streamParam,
    });
  const padding = TARGET_BYTES - Buffer.byteLength(fields(""));
  const secret = createHash("sha256").update("stream").digest("hex");
  const template = fields(
    `txSecret=${secret}&x=${"0123456789abcdef".repeat(64)}`.slice(0, padding),
  );
  // Only the stream is shared: the others are the recording's own.
  const [head = "", channel = "", ...tail] = template.split(MARK);
  const text = (n: number): string => {
    const stream = String(n % STREAMS).padStart(DIGITS, "0");
    return `${head}${stream}${channel}${stream}${tail.join(String(n).padStart(DIGITS, "0"))}`;
  };
  return {
    sizeBytes: Buffer.byteLength(text(0)),
    text,
    id: (n) => callbackId(Buffer.from(text(n))),
  };
}

function inOneDay(): number {
  return Math.floor(Date.now() / 1000) + DAY_S;
}
