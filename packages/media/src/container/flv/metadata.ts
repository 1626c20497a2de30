import { readMetadataNumbers } from "./amf0.ts";

/** What onMetaData claims, where it claims it: publishers and recorders write much that is not so. Null: nothing. */
export interface FlvMetadata {
  durationS: number | null;
  fileSizeBytes: number | null;
  width: number | null;
  height: number | null;
  fps: number | null;
  sampleRateHz: number | null;
  channels: number | null;
}

export const NO_METADATA: FlvMetadata = {
  durationS: null,
  fileSizeBytes: null,
  width: null,
  height: null,
  fps: null,
  sampleRateHz: null,
  channels: null,
};

const MAX_FPS = 1000;
const MAX_SIDE_PIXELS = 65_536;
const MAX_DURATION_S = 2 ** 31;

/** Adds what a script tag says to what earlier ones said, which stays: recorders repeat onMetaData, some of it empty. */
export function addMetadata(earlier: FlvMetadata, script: Uint8Array): FlvMetadata {
  const numbers = readMetadataNumbers(script);
  if (numbers === null) {
    return earlier;
  }
  /** Zero is how writers leave a value open. */
  const upTo = (limit: number, value: number | undefined): number | null =>
    value !== undefined && value > 0 && value <= limit ? value : null;
  const whole = (value: number | null): number | null =>
    value === null || Number.isSafeInteger(value) ? value : null;
  const stereo = numbers.get("stereo");
  return {
    durationS: earlier.durationS ?? upTo(MAX_DURATION_S, numbers.get("duration")),
    fileSizeBytes:
      earlier.fileSizeBytes ?? whole(upTo(Number.MAX_SAFE_INTEGER, numbers.get("filesize"))),
    width: earlier.width ?? whole(upTo(MAX_SIDE_PIXELS, numbers.get("width"))),
    height: earlier.height ?? whole(upTo(MAX_SIDE_PIXELS, numbers.get("height"))),
    fps: earlier.fps ?? upTo(MAX_FPS, numbers.get("framerate") ?? numbers.get("fps")),
    sampleRateHz: earlier.sampleRateHz ?? whole(upTo(768_000, numbers.get("audiosamplerate"))),
    channels:
      earlier.channels ??
      whole(
        upTo(64, numbers.get("audiochannels") ?? (stereo === undefined ? undefined : stereo + 1)),
      ),
  };
}
