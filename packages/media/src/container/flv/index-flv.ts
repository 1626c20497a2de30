import type { Finding } from "@reelgate/shared/contract/media";
import { type EventLoopTurns, startTurns } from "../../concurrency/event-loop-turns.ts";
import type { ByteSource } from "../../source/byte-source.ts";
import type { Completeness, ContainerReport, ReadOptions } from "../container-report.ts";
import { tallyLostBytes } from "../lost-bytes.ts";
import { createFrameCheck } from "./check-frames.ts";
import {
  firstTagOffset,
  promisedKinds,
  TAG_HEADER_BYTES,
  type TagHabits,
  type TagKind,
} from "./flv-tag.ts";
import {
  completenessFindings,
  durationHintFindings,
  isConfirmed,
  trailerFindings,
} from "./flv-findings.ts";
import { type FlvTracks, gatherTracks } from "./flv-tracks.ts";
import { learnHabits } from "./learn-habits.ts";
import { readEveryTag } from "./read-every-tag.ts";
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
 * What lies between head and tail is not read, and timestamps may begin anew there, after the stream broke off: where the
 * tail is earlier than the head, there is no duration then. Else it is exact only if onMetaData tells much the same. A
 * thorough look reads every tag, so it finds holes, and adds up what was recorded before and after each new beginning.
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
  const broken = tallyLostBytes("no media in a tag");
  const frames = isThorough ? createFrameCheck() : null;
  const visitor: TagVisitor = {
    onTag: (tag, data) => {
      tracks.add(tag, data);
      if (frames?.isSound(tag, data) === false) {
        broken.add({ offset: tag.offset, bytes: tag.dataBytes });
      }
    },
    onLost: (run) => {
      lost.add(run);
    },
  };
  const found = isThorough
    ? { end: await readEveryTag(source, start, habits, visitor, turns), isEveryTagRead: true }
    : await readEnds(
        { source, start, habits, promised: promisedKinds(firstBytes) },
        tracks,
        visitor,
        turns,
      );
  const { end } = found;
  const trailer = trailerFindings(end, sizeBytes);
  if (end.kind === "lost" && trailer.length === 0) {
    lost.add({ offset: end.offset, bytes: sizeBytes - end.offset });
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
    durationIsExact:
      durationS !== null && (found.isEveryTagRead || isConfirmed(tracks.metadata, durationS)),
    video,
    audio,
    completeness,
    findings: [
      ...cut.findings,
      ...lost.findings(),
      ...broken.findings(),
      ...trailer,
      ...findings,
      ...durationHintFindings(
        playing,
        tracks.metadata,
        completeness,
        durationS,
        found.isEveryTagRead,
      ),
    ],
  };
}

interface Beginning {
  source: ByteSource;
  start: number;
  habits: TagHabits;
  promised: readonly TagKind[];
}

/** Reads head and tail. Small files have no more than that. */
async function readEnds(
  { source, start, habits, promised }: Beginning,
  tracks: FlvTracks,
  visitor: TagVisitor,
  turns: EventLoopTurns,
): Promise<{ end: TailEnd; isEveryTagRead: boolean }> {
  const head = await readHead(source, start, habits, promised, tracks, visitor, turns);
  switch (head.kind) {
    case "end":
      return { end: head.end, isEveryTagRead: true };
    case "nothing":
      return { end: { kind: "no_tags" }, isEveryTagRead: false };
    case "more":
      tracks.skipUnseen();
      return {
        end: await readTail(source, head.offset, tracks.seen(), habits, visitor, turns),
        isEveryTagRead: false,
      };
    default:
      return head satisfies never;
  }
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
