import { AppError } from "@reelgate/shared/errors";
import {
  type Container,
  FILE_FORMATS,
  type Finding,
  type MediaReport,
} from "@reelgate/shared/contract/media";
import { indexAdts } from "./container/adts/index-adts.ts";
import type { ContainerReport, ReadOptions } from "./container/container-report.ts";
import { indexFlv } from "./container/flv/index-flv.ts";
import { indexMp4 } from "./container/mp4/index-mp4.ts";
import { indexTransportStream } from "./container/mpegts/index-transport-stream.ts";
import { sniffFile } from "./container/sniff-file.ts";
import { indexHls } from "./hls/index-hls.ts";
import type { SegmentSelection } from "./hls/segment-plan.ts";
import { describeUrl } from "./http/describe-url.ts";
import type { MediaClient } from "./http/media-client.ts";
import { startDeadline } from "./http/read-deadline.ts";
import { meanBitrateKbps } from "./report/bitrate.ts";
import {
  containerFindings,
  type Declared,
  durationFindings,
  fileSizeFindings,
} from "./report/compare-declared.ts";
import type { ByteSource } from "./source/byte-source.ts";
import { openFile } from "./source/open-file.ts";

export interface IndexOptions {
  /** HLS: whether every file behind the playlist is checked, or ten of them. Default `sample`; `all` when thorough. */
  segments?: SegmentSelection;
  /** HLS: files checked at a time. Default 8. */
  segmentConcurrency?: number;
  /**
   * Reads all of a single file, and every byte of the segments that are checked, and so finds what is wrong between
   * head and tail. Fetches as much. Default false.
   */
  isThorough?: boolean;
  /**
   * Bytes that may be fetched of a single file. Far more than any reader needs of an origin that takes ranges (MP4 and
   * FLV 256 KiB, AAC all of it up to 64 MiB): it bounds origins that do not. Default 128 MiB.
   */
  maxFetchedBytes?: number;
  /** The whole look, every file together, in milliseconds. Default 300,000. */
  totalTimeoutMs?: number;
  signal?: AbortSignal;
}

const DEFAULT_MAX_FETCHED_BYTES = 134_217_728;

/**
 * Looks at a recording without keeping it: is it there and whole, what is in it, and where does that differ from what
 * the callback declared. Reads of MP4 and FLV a few hundred kilobytes whatever their length, of AAC
 * every frame, of HLS the playlists, keys, and the beginnings of its segments.
 *
 * Sizes in bytes, durations in seconds. The size of a FLV, MP4 or AAC file must be exact; for HLS see `indexHls`. An
 * empty file is reported under the declared format, since it shows none of its own. What each finding means and how
 * sure it is: docs/media.md.
 *
 * @param url Untrusted; the client's guard decides over it.
 * @throws AppError of the media codes when nothing could be established (not found, not media, forbidden, timeout, …);
 *   the reason of `signal` when that aborts.
 */
export async function indexMedia(
  client: MediaClient,
  url: string,
  declared: Declared,
  options: IndexOptions = {},
): Promise<MediaReport> {
  const checked = client.check(url);
  const deadline = startDeadline(
    options.totalTimeoutMs ?? 300_000,
    describeUrl(checked),
    options.signal,
  );
  const { signal } = deadline;
  const isThorough = options.isThorough ?? false;
  try {
    await using file = await openFile(client, checked, {
      maxFetchedBytes: options.maxFetchedBytes ?? DEFAULT_MAX_FETCHED_BYTES,
      signal,
    });
    const { prefix } = file;
    if (prefix.bytes.length === 0) {
      return emptyReport(checked, declared);
    }
    const sniffed = await sniffFile(prefix.bytes, async (offset, length) => {
      const source = await file.source();
      return await source.read(offset, length);
    });
    if (sniffed.container === "unknown") {
      throw new AppError("media_not_media", {
        message: `${describeUrl(prefix.finalUrl)} is ${sniffed.description}, not a recording.`,
      });
    }
    const { container } = sniffed;
    const report =
      container === "hls"
        ? await indexHls(client, checked, prefix, declared, {
            segments: options.segments ?? (isThorough ? "all" : "sample"),
            concurrency: options.segmentConcurrency ?? 8,
            isThorough,
            signal,
          })
        : await indexFile(container, await file.source(), declared, signal, { isThorough });
    return {
      media: report.media,
      findings: [...containerFindings(container, declared), ...report.findings],
    };
  } finally {
    deadline.end();
  }
}

type FileContainer = Exclude<Container, "hls">;

async function indexFile(
  container: FileContainer,
  source: ByteSource,
  declared: Declared,
  signal: AbortSignal,
  options: ReadOptions,
): Promise<MediaReport> {
  const found = await readContainer(container, source, signal, options);
  const { sizeBytes } = source;
  const { durationIsExact, video, audio, completeness } = found;
  const durationS = found.durationS === null ? null : wholeMicroseconds(found.durationS);
  return {
    media: {
      container,
      durationS,
      durationIsExact,
      sizeBytes,
      // The duration of a file that is cut may be that of the whole one.
      bitrateKbps:
        completeness === "truncated" && !durationIsExact
          ? null
          : meanBitrateKbps(sizeBytes, durationS),
      video,
      audio,
      hls: null,
    },
    findings: [
      ...found.findings,
      ...fileSizeFindings(sizeBytes, completeness, declared),
      ...durationFindings("The file lasts", durationS, durationIsExact, declared),
    ],
  };
}

/** No format counts finer; what lies below is the noise of dividing. */
function wholeMicroseconds(durationS: number): number {
  return Math.round(durationS * 1e6) / 1e6;
}

async function readContainer(
  container: FileContainer,
  source: ByteSource,
  signal: AbortSignal,
  options: ReadOptions,
): Promise<ContainerReport> {
  switch (container) {
    case "mp4":
      return await indexMp4(source, signal, options);
    case "flv":
      return await indexFlv(source, signal, options);
    case "aac":
      return await indexAdts(
        source,
        signal,
        options.isThorough === true ? { maxScanBytes: Number.MAX_SAFE_INTEGER } : {},
      );
    case "mpegts":
      return await indexTransportStream(source, signal, options);
    default:
      return container satisfies never;
  }
}

function emptyReport(url: URL, declared: Declared): MediaReport {
  const container = declared.format ?? formatByName(url);
  if (container === null) {
    throw new AppError("media_not_media", { message: `${describeUrl(url)} is an empty file.` });
  }
  const empty: Finding = {
    kind: "empty_file",
    declared: declared.sizeBytes,
    actual: 0,
    detail: "The file has no bytes.",
  };
  return {
    media: {
      container,
      durationS: null,
      durationIsExact: false,
      sizeBytes: 0,
      bitrateKbps: null,
      video: null,
      audio: null,
      hls: null,
    },
    findings: [empty],
  };
}

function formatByName({ pathname }: URL): (typeof FILE_FORMATS)[number] | null {
  const extension = pathname.slice(pathname.lastIndexOf(".") + 1).toLowerCase();
  return extension === "m3u8"
    ? "hls"
    : (FILE_FORMATS.find((format) => format === extension) ?? null);
}
