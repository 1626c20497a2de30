import {
  FINDING_SEVERITIES,
  type Finding,
  type FindingSeverity,
  type Media,
  type MediaReport,
} from "@reelgate/shared/contract/media";
import type { StoredCopy } from "@reelgate/shared/contract/recording";
import { countText, durationText, sizeText } from "./quantities.ts";

/** The worst of the findings; null when there is none. */
export function worstSeverity(findings: readonly Finding[]): FindingSeverity | null {
  const order: readonly FindingSeverity[] = ["broken", "different", "unchecked"];
  const severities = new Set(findings.map(({ kind }) => FINDING_SEVERITIES[kind]));
  return order.find((severity) => severities.has(severity)) ?? null;
}

const VERDICTS: Readonly<Record<FindingSeverity | "none", string>> = {
  none: "is there and whole.",
  unchecked: "is sound as far as it was checked.",
  different: "is there, and differs from what was declared.",
  broken: "is BROKEN.",
};

const NOT_STORED = "  Not stored. What came is kept for another try.";

/** A report for people, several lines, the last one ended. */
export function reportText(
  target: string,
  { media, findings }: MediaReport,
  stored: StoredCopy | "refused" | null,
): string {
  const lines = [
    `${target} ${VERDICTS[worstSeverity(findings) ?? "none"]}`,
    ...factLines(media),
    ...(stored === null || stored === "refused" ? [] : storedLines(stored)),
    ...findings.map(
      ({ kind, detail }) => `  ${FINDING_SEVERITIES[kind].padEnd(10)} ${kind}: ${detail}`,
    ),
    ...(stored === "refused" ? [NOT_STORED] : []),
  ];
  return `${lines.join("\n")}\n`;
}

function fact(name: string, value: string): string {
  return `  ${name.padEnd(10)} ${value}`;
}

function factLines(media: Media): readonly string[] {
  const { container, durationS, durationIsExact, sizeBytes, bitrateKbps, video, audio, hls } =
    media;
  return [
    fact("container", container),
    ...(durationS === null
      ? []
      : [
          fact(
            "duration",
            `${Math.round(durationS * 1000) / 1000} s (${durationText(durationS)})${durationIsExact ? "" : ", not exact"}`,
          ),
        ]),
    ...(sizeBytes === null
      ? []
      : [fact("size", `${countText(sizeBytes)} bytes (${sizeText(sizeBytes)})`)]),
    ...(bitrateKbps === null ? [] : [fact("bitrate", `${countText(bitrateKbps)} kbit/s`)]),
    ...(video === null
      ? []
      : [
          fact(
            "video",
            `${video.codec} ${video.width}×${video.height}${video.fps === null ? "" : `, ${video.fps} fps`}`,
          ),
        ]),
    ...(audio === null
      ? []
      : [
          fact(
            "audio",
            `${audio.codec} ${countText(audio.sampleRateHz)} Hz, ${audio.channels} ${audio.channels === 1 ? "channel" : "channels"}`,
          ),
        ]),
    ...(hls === null
      ? []
      : [
          fact(
            "hls",
            `${countText(hls.segmentCount)} segments of at most ${hls.targetDurationS} s, ${hls.encrypted ? "encrypted" : "in the clear"}${hls.variants === 0 ? "" : `, ${hls.variants} variants`}`,
          ),
        ]),
  ];
}

function storedLines({ url, sizeBytes, sha256, files }: StoredCopy): readonly string[] {
  return [
    fact("stored", url),
    fact(
      "",
      `${countText(files)} ${files === 1 ? "file" : "files"}, ${countText(sizeBytes)} bytes`,
    ),
    fact("sha256", files === 1 ? sha256 : `${sha256} (of SHA256SUMS, which has that of each file)`),
  ];
}
