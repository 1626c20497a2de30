import type { FileFormat } from "@reelgate/shared/contract/media";
import type { Recording } from "@reelgate/shared/contract/recording";
import { isDeepStrictEqual } from "node:util";
import { SAMPLE_AUDIO, SAMPLE_DURATION_S, SAMPLE_VIDEO } from "./media-samples.ts";
import type { BodyFields, JsonValue, PlannedRecording } from "./plan.ts";

/** One thing that is not as it must be. */
export interface Difference {
  what: string;
  expected: string;
  found: string;
}

const text = (value: JsonValue | undefined): string | null => {
  if (value === undefined || value === null || value === "") return null;
  return typeof value === "string" ? value : JSON.stringify(value);
};

/** Unix microseconds of seconds and microseconds as a callback has them. */
function microseconds(seconds: JsonValue | undefined, fraction: JsonValue | undefined): bigint {
  return BigInt(text(seconds) ?? "0") * 1_000_000n + BigInt(text(fraction) ?? "0");
}

/** Unix microseconds of an ISO 8601 text with up to six decimals; null when it is none. */
export function isoMicroseconds(iso: string): bigint | null {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:Z|\+00:?00)$/u.exec(iso);
  const [, seconds = "", fraction = ""] = match ?? [];
  const ms = Date.parse(`${seconds}Z`);
  if (Number.isNaN(ms)) return null;
  return BigInt(ms) * 1000n + BigInt(fraction.padEnd(6, "0"));
}

/** `callback_ext` as an object, also when its quotes are escaped once more; null when absent. */
function callbackExt(value: JsonValue | undefined): unknown {
  if (typeof value !== "string") return null;
  return JSON.parse(value.startsWith("{\\") ? value.replaceAll('\\"', '"') : value);
}

const withoutQuery = (url: string | null): string => (url ?? "").split("?", 1)[0] ?? "";

/** Every field of a row that comes from the callback alone, against the body that made the row. */
export function rowDifferences(found: Recording, fields: BodyFields): Difference[] {
  const differences: Difference[] = [];
  const compare = (what: string, expected: unknown, actual: unknown): void => {
    if (!isDeepStrictEqual(expected, actual)) {
      differences.push({ what, expected: show(expected), found: show(actual) });
    }
  };
  compare("appid", text(fields.appid), found.appid);
  compare("app", text(fields.app), found.app);
  compare("appname", text(fields.appname), found.appname);
  compare("streamId", text(fields.stream_id), found.streamId);
  compare("channelId", text(fields.channel_id), found.channelId);
  compare("fileId", text(fields.file_id), found.fileId);
  compare("recordFileId", text(fields.record_file_id), found.recordFileId);
  compare("templateId", text(fields.record_temp_id), found.templateId);
  compare("taskId", text(fields.task_id), found.taskId);
  compare("format", text(fields.file_format), found.format);
  compare(
    "startedAt",
    microseconds(fields.start_time, fields.start_time_usec),
    isoMicroseconds(found.startedAt),
  );
  compare(
    "endedAt",
    microseconds(fields.end_time, fields.end_time_usec),
    isoMicroseconds(found.endedAt),
  );
  compare("declared.durationS", Number(fields.duration), found.declared.durationS);
  compare("declared.sizeBytes", Number(fields.file_size), found.declared.sizeBytes);
  compare("mediaStartTime", Number(fields.media_start_time), found.mediaStartTime);
  compare("callbackExt", callbackExt(fields.callback_ext), found.callbackExt);
  compare("videoUrl", withoutQuery(text(fields.video_url)), withoutQuery(found.videoUrl));
  return differences;
}

const show = (value: unknown): string =>
  typeof value === "bigint" ? `${value} µs` : (JSON.stringify(value) ?? "nothing");

/** What one look at a recording's file says: it may still change, or it is what it must be, or it is not. */
export type FileVerdict =
  | { kind: "waiting"; difference: Difference }
  | { kind: "settled"; differences: Difference[] };

const settled = (...differences: Difference[]): FileVerdict => ({ kind: "settled", differences });

const SIZE_FINDINGS = new Set(["size_mismatch", "truncated", "empty_file", "short_segment"]);
/** What tells that a file is cut, as against one whose callback declared another size. */
const CUT_FINDINGS = new Set(["truncated"]);
/** A cut HLS recording shows itself in its playlist. */
const CUT_HLS_FINDINGS = new Set(["missing_endlist"]);
const WITHOUT_END_MARK: ReadonlySet<FileFormat> = new Set<FileFormat>(["flv", "aac"]);
/** Players round, and the last frame of a sample may end a little later than the sample. */
const DURATION_TOLERANCE_S = 0.1;

/**
 * State, real size and findings against the file that the origin serves.
 *
 * @param declaredBytes the size that the winning callback declares; it can contradict a file that is whole.
 */
export function fileVerdict(
  found: Recording,
  { file, format }: Pick<PlannedRecording, "file" | "format">,
  declaredBytes: number,
): FileVerdict {
  const kinds = found.findings.map((finding) => finding.kind);
  switch (file.kind) {
    case "unasserted":
      return settled();
    case "missing":
      // The origin's 404 is retried for minutes after the callback: both ends of that wait are right.
      return found.media === null && (found.state === "pending" || found.state === "failed")
        ? settled()
        : settled({
            what: "state of a missing file",
            expected: "pending or failed, no media",
            found: found.state,
          });
    case "whole":
    case "truncated": {
      // Where copies are kept, none is made of a broken file: that is waited for, and then it has failed. So is a whole
      // one of a format without a mark of its end, when the callback declares more bytes than there are.
      const seemsCut = WITHOUT_END_MARK.has(format) && declaredBytes > file.servedBytes;
      const isRefused =
        (file.kind === "truncated" || seemsCut) && found.failure?.code === "media_incomplete";
      if (found.state !== "indexed" && found.state !== "stored" && !isRefused) {
        const difference = {
          what: "state",
          expected: "indexed",
          found: found.failure === null ? found.state : `${found.state} (${found.failure.code})`,
        };
        return found.state === "pending" ? { kind: "waiting", difference } : settled(difference);
      }
      const differences: Difference[] = [];
      const sizeBytes = found.media?.sizeBytes ?? null;
      // An index of HLS reads the playlist, and the segments' sizes only where that is asked for.
      const isSizeKnown = format !== "hls" || sizeBytes !== null;
      if (isSizeKnown && sizeBytes !== file.servedBytes) {
        differences.push({
          what: "media.sizeBytes",
          expected: String(file.servedBytes),
          found: String(sizeBytes),
        });
      }
      if (file.kind === "truncated" && (found.state === "stored" || found.stored !== null)) {
        differences.push({ what: "stored", expected: "nothing of a cut file", found: "a copy" });
      }
      if (file.kind === "whole") {
        differences.push(...trackDifferences(found, format));
      }
      const cut = format === "hls" ? CUT_HLS_FINDINGS : CUT_FINDINGS;
      const telling = file.kind === "truncated" ? cut : SIZE_FINDINGS;
      const isTold = kinds.some((kind) => telling.has(kind));
      const mustBeTold =
        file.kind === "truncated" || (isSizeKnown && declaredBytes !== file.servedBytes);
      if (isTold !== mustBeTold) {
        differences.push({
          what: "findings",
          expected: mustBeTold ? [...telling].join(" or ") : "none about the size",
          found: kinds.join(", ") || "none",
        });
      }
      return settled(...differences);
    }
    default: {
      const unknown: never = file;
      throw new TypeError(`no such file: ${JSON.stringify(unknown)}`);
    }
  }
}

/** Duration and tracks against those of the samples. */
function trackDifferences({ media }: Recording, format: FileFormat): Difference[] {
  const expected = {
    video: format === "aac" ? null : SAMPLE_VIDEO,
    audio: SAMPLE_AUDIO,
    durationS: `${SAMPLE_DURATION_S} ± ${DURATION_TOLERANCE_S}`,
  };
  const durationS = media?.durationS ?? Number.NaN;
  const isRight = Math.abs(durationS - SAMPLE_DURATION_S) <= DURATION_TOLERANCE_S;
  const found = {
    video: media?.video ?? null,
    audio: media?.audio ?? null,
    durationS: isRight ? expected.durationS : String(durationS),
  };
  return isDeepStrictEqual(expected, found)
    ? []
    : [{ what: "tracks", expected: show(expected), found: show(found) }];
}
