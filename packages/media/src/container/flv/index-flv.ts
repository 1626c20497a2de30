import type { Finding } from "@reelgate/shared/contract/media";
import { startTurns } from "../../hls/event-loop-turns.ts";
import type { ByteSource } from "../../source/byte-source.ts";
import type { Completeness, ContainerReport, ReadOptions } from "../container-report.ts";
import { tallyLostBytes } from "../lost-bytes.ts";
import { firstTagOffset, promisedKinds, TAG_HEADER_BYTES, type TagHabits } from "./flv-tag.ts";
import { completenessFindings, durationHintFindings } from "./flv-findings.ts";
import { gatherTracks } from "./flv-tracks.ts";
import { learnHabits } from "./learn-habits.ts";
import { readHead } from "./read-head.ts";
import { readTail, type TailEnd } from "./read-tail.ts";
import type { TagVisitor } from "./walk-tags.ts";

/** More than any writer puts into the header of a file. */
const MAX_FILE_HEADER_BYTES = 4096;

/** Enough for the header of the file, and to see how its writer fills the fields of tags. */
const FIRST_BYTES = 65_536;

/**
 * Reads FLV (Adobe FLV 10.1, annex E; Enhanced RTMP v1 and v2): the first 64 KiB for what is in it, the last 64 KiB for
 * how it ends, of small files everything; more only where tags are missing or larger (docs/media.md). The duration is
 * that of the tags, from the first frame shown to the end of the last; onMetaData is a hint where the tags say nothing.
 *
 * What lies between head and tail is not read. A recording whose timestamps begin anew there, after the stream broke
 * off, is seen by its tail being earlier than its head, and has no duration then; if it plays for longer after that than
 * before, it is not seen, and the duration is that from the first to the last timestamp.
 *
 * FLV has no mark of its end. A file that is cut inside a tag is `truncated`; one that is cut between two is `unknown`,
 * unless onMetaData tells its size.
 *
 * @throws AppError of the source; the reason of the signal.
 */
export async function indexFlv(
  source: ByteSource,
  signal: AbortSignal,
  { isThorough = false }: ReadOptions = {},
): Promise<ContainerReport> {
  const { sizeBytes } = source;
  const firstBytes = await source.read(0, Math.min(FIRST_BYTES, sizeBytes));
  const start = firstTagOffset(firstBytes);
  if (start === null || start > MAX_FILE_HEADER_BYTES) {
    return empty("unknown", NO_HEADER);
  }
  if (sizeBytes < start + TAG_HEADER_BYTES) {
    return empty("truncated", headerAlone(start + TAG_HEADER_BYTES, sizeBytes));
  }
  const turns = startTurns(signal);
  const habits: TagHabits = learnHabits(firstBytes, start);
  const tracks = gatherTracks();
  const lost = tallyLostBytes("no FLV tag");
  const visitor: TagVisitor = {
    onTag: (tag, data) => {
      tracks.add(tag, data);
    },
    onLost: (run) => {
      lost.add(run);
    },
  };
  const head = await readHead(
    source,
    start,
    habits,
    promisedKinds(firstBytes),
    tracks,
    visitor,
    turns,
  );
  let end: TailEnd;
  switch (head.kind) {
    case "end":
      end = head.end;
      break;
    case "nothing":
      end = { kind: "lost", offset: start };
      break;
    case "more": {
      tracks.skipUnseen();
      end = await readTail(source, head.offset, habits, visitor, turns);
      break;
    }
    default:
      return head satisfies never;
  }
  const { video, audio, playing, findings } = tracks.describe();
  const durationS =
    playing.kind === "known" && end.kind !== "nothing"
      ? Math.round(playing.durationMs) / 1000
      : null;
  const cut = completenessFindings(end, tracks.metadata, durationS, sizeBytes);
  const { completeness } = cut;
  return {
    durationS,
    durationIsExact: durationS !== null,
    video,
    audio,
    completeness,
    findings: [
      ...cut.findings,
      ...lost.findings(),
      ...findings,
      ...durationHintFindings(playing, tracks.metadata, completeness, durationS),
    ],
  };
}

function empty(completeness: Completeness, finding: Finding): ContainerReport {
  return {
    durationS: null,
    durationIsExact: false,
    video: null,
    audio: null,
    completeness,
    findings: [finding],
  };
}

const NO_HEADER: Finding = {
  kind: "damaged",
  declared: null,
  actual: 0,
  detail: "The file does not begin with the header of a FLV file.",
};

function headerAlone(neededBytes: number, sizeBytes: number): Finding {
  return {
    kind: "truncated",
    declared: neededBytes,
    actual: sizeBytes,
    detail: "The file has the header of a FLV file and nothing behind it.",
  };
}
