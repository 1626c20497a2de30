import type { AudioTrack, VideoTrack } from "@reelgate/shared/contract/media";
import { bytesSource } from "../../source/bytes-source.ts";
import { checkBoxes } from "./box-checker.ts";
import { childBoxes } from "./box-header.ts";
import { createBoxReader } from "./box-reader.ts";
import { describeTracks } from "./describe-tracks.ts";
import { readMovie } from "./movie.ts";

/** What an initialisation segment says of the media segments that need it. */
export interface InitSegment {
  /** Without a rate: that is in the media segments. */
  video: VideoTrack | null;
  audio: AudioTrack | null;
  /** A sentence without a full stop that says why nothing can be played with it, or null. */
  problem: string | null;
}

/**
 * Reads an initialisation segment of fMP4 (RFC 8216, 3.3: `ftyp` and `moov`) that is in memory. Any bytes give a result.
 *
 * @throws The reason of the signal.
 */
export async function readInitSegment(
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<InitSegment> {
  const nothing = { video: null, audio: null };
  const check = checkBoxes(bytes);
  if (!check.ok) {
    return { ...nothing, problem: check.problem };
  }
  const moov = [...childBoxes(bytes, 0)].find(({ type }) => type === "moov");
  if (moov === undefined) {
    return { ...nothing, problem: "there is no moov" };
  }
  const problems: string[] = [];
  const movie = await readMovie(createBoxReader(bytesSource(bytes), signal), moov, true, {
    add: (problem) => {
      problems.push(problem);
    },
  });
  const { video, audio } = describeTracks(movie.tracks, () => null);
  const [first] = problems;
  if (first !== undefined) {
    return { video, audio, problem: first };
  }
  return { video, audio, problem: video === null && audio === null ? "there is no track" : null };
}
