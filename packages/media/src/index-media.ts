import { AppError } from "@reelgate/shared/errors";
import type {
  Container,
  DeclaredMedia,
  Finding,
  MediaReport,
} from "@reelgate/shared/contract/media";
import { SNIFF_BYTES, sniffContainer } from "./container/sniff.ts";
import { indexHls } from "./hls/index-hls.ts";
import { describeUrl } from "./http/describe-url.ts";
import { knownSizeBytes } from "./http/known-size.ts";
import type { MediaClient } from "./http/media-client.ts";
import { startDeadline } from "./http/read-deadline.ts";

export interface IndexOptions {
  /** HLS: up to so many files behind a playlist, every one is checked; beyond it ten of them. Default 10,000. */
  maxSegmentChecks?: number;
  /** HLS: files checked at a time. Default 8. */
  segmentConcurrency?: number;
  /** The whole look, every file together, in milliseconds. Default 300,000. */
  totalTimeoutMs?: number;
  signal?: AbortSignal;
}

/**
 * Looks at a recording without keeping it: is it there, how large is it really, what is it, and where does that differ
 * from what the callback declared. Reads 64 KiB of a file; of HLS the playlists (4 MiB each at most) and one byte of
 * each segment.
 *
 * Sizes in bytes, durations in seconds. The size of a FLV, MP4 or AAC file must be exact; for HLS see `indexHls`.
 * Details of the tracks, and the duration of FLV, MP4 and AAC, are null. An empty file is reported under the declared
 * format, since it shows none of its own.
 *
 * @param url Untrusted; the client's guard decides over it.
 * @throws AppError of the media codes when nothing could be established (not found, not media, forbidden, timeout, …);
 *   the reason of `signal` when that aborts.
 */
export async function indexMedia(
  client: MediaClient,
  url: string,
  declared: DeclaredMedia,
  options: IndexOptions = {},
): Promise<MediaReport> {
  const checked = client.check(url);
  const deadline = startDeadline(
    options.totalTimeoutMs ?? 300_000,
    describeUrl(checked),
    options.signal,
  );
  try {
    const first = await client.readPrefix(checked, SNIFF_BYTES, deadline.signal);
    if (first.bytes.length === 0) {
      return emptyReport(declared);
    }
    const sniffed = sniffContainer(first.bytes);
    if (sniffed.container === "unknown") {
      throw new AppError("media_not_media", {
        message: `${describeUrl(first.finalUrl)} is ${sniffed.description}, not a recording.`,
      });
    }
    const report =
      sniffed.container === "hls"
        ? await indexHls(client, checked, first, declared, {
            maxChecks: options.maxSegmentChecks ?? 10_000,
            concurrency: options.segmentConcurrency ?? 8,
            signal: deadline.signal,
          })
        : fileReport(sniffed.container, knownSizeBytes(first), declared);
    return {
      media: report.media,
      findings: [...containerFindings(sniffed.container, declared), ...report.findings],
    };
  } finally {
    deadline.end();
  }
}

function fileReport(container: Container, sizeBytes: number, declared: DeclaredMedia): MediaReport {
  return {
    media: {
      container,
      durationS: null,
      durationIsExact: false,
      sizeBytes,
      bitrateKbps: null,
      video: null,
      audio: null,
      hls: null,
    },
    findings: sizeFindings(sizeBytes, declared),
  };
}

function sizeFindings(sizeBytes: number, declared: DeclaredMedia): Finding[] {
  if (sizeBytes === declared.sizeBytes) {
    return [];
  }
  const values = { declared: declared.sizeBytes, actual: sizeBytes };
  const mismatch: Finding = {
    kind: "size_mismatch",
    ...values,
    detail: `The file has ${sizeBytes} bytes; ${declared.sizeBytes} were declared.`,
  };
  if (sizeBytes > declared.sizeBytes) {
    return [mismatch];
  }
  const missing = declared.sizeBytes - sizeBytes;
  return [
    mismatch,
    { kind: "truncated", ...values, detail: `${missing} of the declared bytes are missing.` },
  ];
}

function containerFindings(container: Container, declared: DeclaredMedia): Finding[] {
  if (container === declared.format) {
    return [];
  }
  return [
    {
      kind: "container_mismatch",
      declared: declared.format,
      actual: container,
      detail: `By its first bytes the file is ${container}; ${declared.format} was declared.`,
    },
  ];
}

function emptyReport(declared: DeclaredMedia): MediaReport {
  const { media } = fileReport(declared.format, 0, declared);
  return {
    media,
    findings: [
      {
        kind: "empty_file",
        declared: declared.sizeBytes,
        actual: 0,
        detail: "The file has no bytes.",
      },
    ],
  };
}
