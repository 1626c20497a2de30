import { z } from "zod";

/** The four file formats that the provider records (specification, "file_format"). */
export const FILE_FORMATS = ["flv", "hls", "mp4", "aac"] as const;
export const fileFormatSchema: z.ZodEnum<{ flv: "flv"; hls: "hls"; mp4: "mp4"; aac: "aac" }> =
  z.enum(FILE_FORMATS);
export type FileFormat = z.infer<typeof fileFormatSchema>;

/**
 * What the first bytes of a file say it is. `mpegts` is no declared format of its own, but it is what a
 * mislabelled HLS recording often turns out to be.
 */
export const CONTAINERS = ["flv", "hls", "mp4", "aac", "mpegts"] as const;
export type Container = (typeof CONTAINERS)[number];

/**
 * Kinds of verified difference between what a callback declared and what is really there. `not_fully_checked` tells
 * instead that part of the recording was not looked at, or that its size is not known.
 * Stable: they are stored, filtered on and alerted on.
 */
export const FINDING_KINDS = [
  "size_mismatch",
  "duration_mismatch",
  "truncated",
  "damaged",
  "container_mismatch",
  "missing_segment",
  "short_segment",
  "corrupt_segment",
  "missing_key",
  "missing_endlist",
  "empty_file",
  "not_fully_checked",
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

/**
 * What a finding means for whoever wants to play the recording. `broken`: part of it is gone or cannot be played, so
 * no copy of it is stored. `different`: it plays, but is not what was declared. `unchecked`: nothing is known to be
 * wrong with a part that was not looked at.
 */
export type FindingSeverity = "broken" | "different" | "unchecked";
export const FINDING_SEVERITIES: Readonly<Record<FindingKind, FindingSeverity>> = {
  size_mismatch: "different",
  duration_mismatch: "different",
  truncated: "broken",
  damaged: "broken",
  container_mismatch: "different",
  missing_segment: "broken",
  short_segment: "broken",
  corrupt_segment: "broken",
  missing_key: "broken",
  missing_endlist: "broken",
  empty_file: "broken",
  not_fully_checked: "unchecked",
};

/** The findings for which a recording cannot be played in full, and is not stored. */
export function brokenFindings(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ kind }) => FINDING_SEVERITIES[kind] === "broken");
}

const scalar = z.union([z.string(), z.number(), z.null()]);

/** One verified difference. `declared` and `actual` carry the two values, `detail` a sentence for people. */
export interface Finding {
  kind: FindingKind;
  declared: string | number | null;
  actual: string | number | null;
  detail: string;
}
export const findingSchema: z.ZodType<Finding> = z.object({
  kind: z.enum(FINDING_KINDS),
  declared: scalar,
  actual: scalar,
  detail: z.string(),
});

export interface VideoTrack {
  codec: string;
  width: number;
  height: number;
  fps: number | null;
}
export interface AudioTrack {
  codec: string;
  sampleRateHz: number;
  channels: number;
}
export interface HlsSummary {
  segmentCount: number;
  targetDurationS: number;
  encrypted: boolean;
  /** Variant streams of the master playlist; 0 when the URL is a media playlist. */
  variants: number;
}

/** What is in the file behind `video_url`, read from the file itself. Durations in seconds, sizes in bytes. */
export interface Media {
  container: Container;
  durationS: number | null;
  /** False when the duration is an estimate rather than read or counted. */
  durationIsExact: boolean;
  /** The whole recording: for HLS the segments together, not the playlist. Null when it could not be established. */
  sizeBytes: number | null;
  bitrateKbps: number | null;
  video: VideoTrack | null;
  audio: AudioTrack | null;
  hls: HlsSummary | null;
}
export const mediaSchema: z.ZodType<Media> = z.object({
  container: z.enum(CONTAINERS),
  durationS: z.number().nullable(),
  durationIsExact: z.boolean(),
  sizeBytes: z.number().nullable(),
  bitrateKbps: z.number().nullable(),
  video: z
    .object({
      codec: z.string(),
      width: z.number(),
      height: z.number(),
      fps: z.number().nullable(),
    })
    .nullable(),
  audio: z.object({ codec: z.string(), sampleRateHz: z.number(), channels: z.number() }).nullable(),
  hls: z
    .object({
      segmentCount: z.number(),
      targetDurationS: z.number(),
      encrypted: z.boolean(),
      variants: z.number(),
    })
    .nullable(),
});

/** The claims of a callback that the media engine holds against the real file. */
export interface DeclaredMedia {
  format: FileFormat;
  sizeBytes: number;
  durationS: number;
}

/** The result of looking at a recording: what is there, and every difference from what was declared. */
export interface MediaReport {
  media: Media;
  findings: Finding[];
}
