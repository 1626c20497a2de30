import { FILE_FORMATS } from "@reelgate/shared/contract/media";
import type { FileFormat } from "@reelgate/shared/contract/media";
import { bigId, fileName, makeStream, recordingFields } from "../callback-body.ts";
import type { FileFacts, Quirks, StreamFacts } from "../callback-body.ts";
import { SAMPLE_DURATION_S, sampleSizeBytes } from "../media-samples.ts";
import type { MediaSamples, SampleFile } from "../media-samples.ts";
import type { OriginFile } from "../origin.ts";
import type {
  BodyFields,
  Content,
  Delivery,
  Expectation,
  Plan,
  PlannedCallback,
  PlannedFile,
  PlannedRecording,
  Signing,
} from "../plan.ts";
import type { Random } from "../random.ts";

/** Where the recordings' URLs lead: to the provider's names, or to an origin that this run starts. */
export interface PlannedOrigin {
  baseUrl: string;
  samples: MediaSamples;
}

export interface BuilderOptions {
  scenario: string;
  seed: string;
  runId: string;
  /** Deliveries in the plan. */
  count: number;
  format: FileFormat | "all";
  /** Unix time in seconds at which the newest recording has just ended. */
  baseTimeS: number;
  origin: PlannedOrigin | null;
  random: Random;
}

/** One recording under construction: its facts and the body of its first variant. */
export interface DraftRecording {
  key: string;
  stream: StreamFacts;
  file: FileFacts;
  fields: BodyFields;
  /** Texts of its bodies that must not be shown. */
  secrets: readonly string[];
}

export type FileKind = "whole" | "missing" | "truncated";
export type IdentityKind = "file_id" | "record_file_id" | "content";

const TRUNCATED_SHARE = 0.6;

/** Ten digits as real ones have, in a range that the provider has not reached: no URL names anybody's files. */
const FIRST_APPID = 2_100_000_000;
const LAST_APPID = 2_147_483_647;

export const validSigning = (offsetS = 0, tAsText = false): Signing => ({
  kind: "valid",
  offsetS,
  tAsText,
});

/** Collects callbacks, deliveries and expectations. Deliveries beyond the count that was asked for are left out. */
export class PlanBuilder {
  readonly options: BuilderOptions;
  readonly random: Random;
  readonly #appid: number;
  readonly #callbacks: PlannedCallback[] = [];
  readonly #deliveries: Delivery[] = [];
  readonly #recordings = new Map<
    string,
    Omit<PlannedRecording, "variants"> & { variants: Map<string, BodyFields> }
  >();
  readonly #streams = new Set<string>();
  readonly #originFiles = new Map<string, OriginFile>();
  #streamCount = 0;
  #fileCount = 0;

  constructor(options: BuilderOptions) {
    this.options = options;
    this.random = options.random;
    this.#appid = this.random.int(FIRST_APPID, LAST_APPID);
  }

  get isFull(): boolean {
    return this.#deliveries.length >= this.options.count;
  }

  get deliveryCount(): number {
    return this.#deliveries.length;
  }

  stream(): StreamFacts {
    const stream = makeStream(
      this.random,
      this.#appid,
      `${this.options.seed}-${this.options.runId}`,
      this.#streamCount,
    );
    this.#streamCount += 1;
    this.#streams.add(stream.streamId);
    return stream;
  }

  format(): FileFormat {
    return this.options.format === "all" ? this.random.pick(FILE_FORMATS) : this.options.format;
  }

  /** A new recording of `stream`; `fileKind` counts only with an origin. */
  recording(
    stream: StreamFacts,
    fileKind: FileKind = "whole",
    format: FileFormat = this.format(),
    identity: IdentityKind = "file_id",
  ): DraftRecording {
    const { random } = this;
    const { runId, seed, origin, baseTimeS } = this.options;
    const number = this.#fileCount;
    this.#fileCount += 1;
    const key = `recording ${number}`;
    const durationS = origin === null ? random.int(30, 7200) : SAMPLE_DURATION_S;
    const endS = baseTimeS - random.int(60, 86_400);
    const path = `/${seed}-${runId}/${number}/${fileName(format)}`;
    const urlSecret = random.chance(0.2) ? random.hex(32) : null;
    const query =
      urlSecret === null ? "" : `?t=${random.hex(8)}&us=${random.hex(6)}&sign=${urlSecret}`;
    const base = origin?.baseUrl ?? `http://${this.#appid}.vod2.myqcloud.com`;
    const id = bigId("file", seed, runId, number);
    const file: FileFacts = {
      fileId: identity === "file_id" ? id : null,
      recordFileId: identity === "content" ? null : id,
      format,
      startS: endS - durationS - random.int(0, 1),
      startUsec: random.int(0, 999_999),
      endS,
      endUsec: random.int(0, 999_999),
      durationS,
      sizeBytes:
        origin === null
          ? durationS * random.int(50_000, 400_000)
          : sampleSizeBytes(origin.samples, format),
      url: `${base}${path}${query}`,
      mediaStartTimeMs: random.int(0, 10_000_000),
    };
    const quirks: Quirks = {
      videoId: random.chance(0.3),
      callbackExt: random.chance(0.7) ? "object" : random.pick(["escaped", "absent"]),
    };
    const fields = recordingFields(stream, file, quirks);
    this.#recordings.set(key, {
      key,
      streamId: stream.streamId,
      format,
      file: this.#publish(path, format, fileKind),
      variants: new Map([["first", fields]]),
    });
    const secrets = [stream.pushSecret, ...(urlSecret === null ? [] : [urlSecret])];
    return { key, stream, file, fields, secrets };
  }

  /** A callback about a recording. Other `fields` than its own need another `variant` name if they contradict it. */
  recordingCallback(
    draft: DraftRecording,
    options: {
      fields?: BodyFields;
      variant?: string;
      signing?: Signing;
      escapedTwice?: boolean;
    } = {},
  ): PlannedCallback {
    const { fields = draft.fields, variant = "first", signing = validSigning() } = options;
    const recording = this.#recordings.get(draft.key);
    if (recording !== undefined && !recording.variants.has(variant)) {
      recording.variants.set(variant, fields);
    }
    return this.callback(
      `${draft.key} (${draft.file.format}, ${variant})`,
      { kind: "fields", fields, escapedTwice: options.escapedTwice ?? false },
      signing,
      { kind: "recording", recording: draft.key, variant },
      draft.secrets,
    );
  }

  callback(
    label: string,
    content: Content,
    signing: Signing,
    expect: Expectation,
    secrets: readonly string[] = [],
  ): PlannedCallback {
    const callback = { index: this.#callbacks.length, label, content, signing, expect, secrets };
    this.#callbacks.push(callback);
    return callback;
  }

  /** Plans one POST of the callback after all that were planned before. */
  deliver(callback: PlannedCallback): void {
    if (this.isFull) return;
    this.#deliveries.push({ callback: callback.index, retry: callback.expect.kind !== "refused" });
  }

  /** Shuffles the deliveries within windows of that many, from `from` on. */
  shuffleDeliveries(window: number, from = 0): void {
    for (let start = from; start < this.#deliveries.length; start += window) {
      const part = this.#deliveries.slice(start, start + window);
      this.#deliveries.splice(start, part.length, ...this.random.shuffle(part));
    }
  }

  finish(): Plan {
    const delivered = new Set(this.#deliveries.map((delivery) => delivery.callback));
    const reached = new Set<string>();
    for (const callback of this.#callbacks) {
      if (callback.expect.kind === "recording" && delivered.has(callback.index)) {
        reached.add(callback.expect.recording);
      }
    }
    const recordings = [...this.#recordings.values()].filter(({ key }) => reached.has(key));
    const streams = new Map([...this.#streams].map((streamId) => [streamId, 0]));
    for (const { streamId } of recordings) {
      streams.set(streamId, (streams.get(streamId) ?? 0) + 1);
    }
    return {
      scenario: this.options.scenario,
      seed: this.options.seed,
      runId: this.options.runId,
      callbacks: this.#callbacks,
      deliveries: this.#deliveries,
      recordings,
      streams,
      originFiles: this.#originFiles,
    };
  }

  #publish(path: string, format: FileFormat, kind: FileKind): PlannedFile {
    const samples = this.options.origin?.samples;
    if (samples === undefined) return { kind: "unasserted" };
    if (kind === "missing") return { kind: "missing" };
    const publish = (at: string, sample: SampleFile, truncatedTo: number | null): void => {
      this.#originFiles.set(at, { sample, truncatedTo });
    };
    if (format !== "hls") {
      const sample = samples[format];
      if (kind === "whole") {
        publish(path, sample, null);
        return { kind: "whole", servedBytes: sample.bytes.length };
      }
      const servedBytes = Math.floor(sample.bytes.length * TRUNCATED_SHARE);
      publish(path, sample, servedBytes);
      return { kind: "truncated", servedBytes };
    }
    const { hls } = samples;
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    let servedBytes = 0;
    publish(path, kind === "whole" ? hls.playlist : hls.cutPlaylist, null);
    for (const [name, segment] of hls.segments) {
      if (kind === "truncated" && name === hls.lastSegmentName) continue;
      publish(`${folder}${name}`, segment, null);
      servedBytes += segment.bytes.length;
    }
    return { kind, servedBytes };
  }
}
