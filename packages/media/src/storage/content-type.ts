const CONTENT_TYPES: Readonly<Record<string, string>> = {
  mp4: "video/mp4",
  m4s: "video/iso.segment",
  flv: "video/x-flv",
  aac: "audio/aac",
  ts: "video/mp2t",
  m3u8: "application/vnd.apple.mpegurl",
};

const OTHER = "application/octet-stream";

/** Every media type that a file of a copy can have. */
export const COPY_CONTENT_TYPES: readonly string[] = [...Object.values(CONTENT_TYPES), OTHER];

/** The media type of a file of a copy, by its extension. */
export function contentTypeOf(name: string): string {
  return CONTENT_TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? OTHER;
}
