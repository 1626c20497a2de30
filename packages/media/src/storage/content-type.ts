const CONTENT_TYPES: ReadonlyMap<string, string> = new Map([
  ["mp4", "video/mp4"],
  ["m4s", "video/iso.segment"],
  ["flv", "video/x-flv"],
  ["aac", "audio/aac"],
  ["ts", "video/mp2t"],
  ["m3u8", "application/vnd.apple.mpegurl"],
]);

const OTHER = "application/octet-stream";

/** Every media type that a file of a copy can have. */
export const COPY_CONTENT_TYPES: readonly string[] = [...CONTENT_TYPES.values(), OTHER];

/** The media type of a file of a copy, by its extension. */
export function contentTypeOf(name: string): string {
  return CONTENT_TYPES.get(name.slice(name.lastIndexOf(".") + 1)) ?? OTHER;
}
