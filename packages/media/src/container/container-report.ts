import type { AudioTrack, Finding, VideoTrack } from "@reelgate/shared/contract/media";
import type { ByteSource } from "../source/byte-source.ts";

/**
 * Whether the structure of a file tells where it ends: `whole` proves that nothing is cut off, `truncated` that
 * something is, `unknown` that the format has no such mark (FLV, ADTS): then only the declared size tells.
 */
export type Completeness = "whole" | "truncated" | "unknown";

/** What a reader found in a file. Durations in seconds. */
export interface ContainerReport {
  durationS: number | null;
  /** False when the duration is an estimate rather than read or counted. */
  durationIsExact: boolean;
  /** Codecs by the names of ffprobe: h264, hevc, av1, vp9, aac, opus, mp3. */
  video: VideoTrack | null;
  audio: AudioTrack | null;
  completeness: Completeness;
  /** `truncated` (if and only if the completeness says so), `damaged`, `not_fully_checked`. */
  findings: readonly Finding[];
}

export interface ReadOptions {
  /** Reads the file to its last byte, where head and tail are enough to describe it. Default false. */
  isThorough?: boolean;
}

/**
 * Reads a container. A file that is cut off or damaged gives a report with findings and as much as could be read, never
 * an error: errors are the source's.
 */
export type ContainerReader = (
  source: ByteSource,
  signal: AbortSignal,
  options?: ReadOptions,
) => Promise<ContainerReport>;
