import { parseAttributes } from "./attribute-list.ts";
import { uriReference } from "./master-playlist.ts";
import {
  type ByteRange,
  type InitSection,
  MAX_PLAYLIST_SEGMENTS,
  type MediaPlaylist,
  type PlaylistKey,
  type Segment,
} from "./playlist.ts";
import { playlistError, type PlaylistLine } from "./playlist-lines.ts";

type TagLine = Extract<PlaylistLine, { kind: "tag" }>;
type UriLine = Extract<PlaylistLine, { kind: "uri" }>;

/** What the lines so far say, and what waits for the next URI. */
interface ReaderState {
  targetDurationS: number | null;
  mediaSequence: number | null;
  playlistType: "VOD" | "EVENT" | null;
  ended: boolean;
  segments: Segment[];
  keys: readonly PlaylistKey[];
  init: InitSection | null;
  pending: {
    inf: { durationS: number; line: number } | null;
    byteRange: { length: number; offset: number | null; line: number } | null;
    discontinuity: boolean;
    gap: boolean;
  };
}

/** A segment or target of more than 100 days is a defect of the playlist, and sums of such stay finite. */
const MAX_DURATION_S = 8_640_000;
/** The list of keys is copied at each EXT-X-KEY; real playlists have one to four formats. */
const MAX_KEY_FORMATS = 16;

/** Reads the lines of a media playlist (RFC 8216, 4.3.2 and 4.3.3). */
export function parseMediaPlaylist(lines: Iterable<PlaylistLine>, text: string): MediaPlaylist {
  const state: ReaderState = {
    targetDurationS: null,
    mediaSequence: null,
    playlistType: null,
    ended: false,
    segments: [],
    keys: [],
    init: null,
    pending: nothingPending(),
  };
  for (const item of lines) {
    if (item.kind === "uri") {
      addSegment(state, item);
    } else {
      readTag(state, item);
    }
  }
  const { inf, byteRange } = state.pending;
  const dangling = inf ?? byteRange;
  if (dangling !== null) {
    throw playlistError(dangling.line, "a segment is announced, but no URI follows");
  }
  if (state.targetDurationS === null) {
    throw playlistError(null, "EXT-X-TARGETDURATION is missing");
  }
  const { targetDurationS, playlistType, ended, segments } = state;
  const mediaSequence = state.mediaSequence ?? 0;
  return { kind: "media", text, targetDurationS, mediaSequence, playlistType, ended, segments };
}

function readTag(state: ReaderState, tag: TagLine): void {
  const { pending } = state;
  switch (tag.name) {
    case "EXTINF":
      if (pending.inf !== null) {
        throw playlistError(pending.inf.line, "a segment is announced, but no URI follows");
      }
      pending.inf = { durationS: parseExtInf(tag), line: tag.line };
      break;
    case "EXT-X-BYTERANGE":
      if (pending.byteRange !== null) {
        throw playlistError(tag.line, "EXT-X-BYTERANGE is given twice for one segment");
      }
      pending.byteRange = { ...parseByteRange(tag.value, tag.line), line: tag.line };
      break;
    case "EXT-X-DISCONTINUITY":
      pending.discontinuity = true;
      break;
    case "EXT-X-GAP":
      pending.gap = true;
      break;
    case "EXT-X-KEY":
      state.keys = nextKeys(state.keys, tag);
      break;
    case "EXT-X-MAP":
      state.init = parseInitSection(tag, state.keys);
      break;
    case "EXT-X-TARGETDURATION":
      if (state.targetDurationS !== null) {
        throw playlistError(tag.line, "EXT-X-TARGETDURATION is given twice");
      }
      state.targetDurationS = parseDuration(tag.value, tag);
      break;
    case "EXT-X-MEDIA-SEQUENCE":
      if (state.mediaSequence !== null || state.segments.length > 0) {
        throw playlistError(tag.line, "EXT-X-MEDIA-SEQUENCE is given twice or after a segment");
      }
      state.mediaSequence = parseInteger(tag.value.trim(), tag.line, tag.name);
      break;
    case "EXT-X-PLAYLIST-TYPE":
      state.playlistType = parsePlaylistType(tag);
      break;
    case "EXT-X-ENDLIST":
      state.ended = true;
      break;
    default:
      break;
  }
}

function addSegment(state: ReaderState, item: UriLine): void {
  const { inf, byteRange, discontinuity, gap } = state.pending;
  const { uri, line, start, end } = item;
  if (inf === null) {
    throw playlistError(line, "a segment without EXTINF before it");
  }
  if (state.segments.length >= MAX_PLAYLIST_SEGMENTS) {
    throw playlistError(line, `there are more than ${MAX_PLAYLIST_SEGMENTS} segments`);
  }
  const previous = state.segments.at(-1);
  state.segments.push({
    uri: { uri, line, start, end },
    durationS: inf.durationS,
    sequence: (state.mediaSequence ?? 0) + state.segments.length,
    byteRange: byteRange === null ? null : placeByteRange(byteRange, uri, previous),
    keys: state.keys,
    init: state.init,
    discontinuity,
    gap,
  });
  state.pending = nothingPending();
}

/** A range without an offset goes on where the previous segment's range of the same file ended (RFC 8216, 4.3.2.2). */
function placeByteRange(
  range: { length: number; offset: number | null; line: number },
  uri: string,
  previous: Segment | undefined,
): ByteRange {
  if (range.offset !== null) {
    return { offset: range.offset, length: range.length };
  }
  if (previous?.byteRange === null || previous === undefined || previous.uri.uri !== uri) {
    throw playlistError(
      range.line,
      "EXT-X-BYTERANGE has no offset, and the segment before is no range of the same file",
    );
  }
  const offset = previous.byteRange.offset + previous.byteRange.length;
  if (!Number.isSafeInteger(offset + range.length)) {
    throw playlistError(range.line, "the byte range ends beyond any file");
  }
  return { offset, length: range.length };
}

function nothingPending(): ReaderState["pending"] {
  return { inf: null, byteRange: null, discontinuity: false, gap: false };
}

function parseExtInf(tag: TagLine): number {
  const comma = tag.value.indexOf(",");
  return parseDuration(comma === -1 ? tag.value : tag.value.slice(0, comma), tag);
}

function parseDuration(text: string, tag: TagLine): number {
  const trimmed = text.trim();
  const durationS = /^\d{1,20}(?:\.\d{0,30})?$/.test(trimmed) ? Number(trimmed) : Number.NaN;
  if (!(durationS <= MAX_DURATION_S)) {
    throw playlistError(
      tag.line,
      `${tag.name} has no duration from 0 to ${MAX_DURATION_S} seconds`,
    );
  }
  return durationS;
}

function parseByteRange(text: string, line: number): { length: number; offset: number | null } {
  const match = /^(\d{1,16})(?:@(\d{1,16}))?$/.exec(text.trim());
  const length = Number(match?.[1]);
  const offset = match?.[2] === undefined ? null : Number(match[2]);
  if (!(length > 0) || !Number.isSafeInteger(length + (offset ?? 0))) {
    throw playlistError(line, "the byte range is not of the form <length>[@<offset>]");
  }
  return { length, offset };
}

function nextKeys(keys: readonly PlaylistKey[], tag: TagLine): readonly PlaylistKey[] {
  const attributes = parseAttributes(tag.value, tag.line, tag.valueStart);
  const method = attributes.get("METHOD")?.value;
  if (method === "NONE") {
    return [];
  }
  if (method !== "AES-128" && method !== "SAMPLE-AES") {
    throw playlistError(tag.line, "the METHOD of EXT-X-KEY is not NONE, AES-128 or SAMPLE-AES");
  }
  const uri = attributes.get("URI");
  if (uri === undefined) {
    throw playlistError(tag.line, `EXT-X-KEY with METHOD=${method} has no URI`);
  }
  const iv = attributes.get("IV")?.value ?? null;
  if (iv !== null && !/^0[xX][0-9a-fA-F]{1,32}$/.test(iv)) {
    throw playlistError(tag.line, "the IV of EXT-X-KEY is not a hexadecimal number of 128 bits");
  }
  const keyFormat = attributes.get("KEYFORMAT")?.value ?? "identity";
  const key: PlaylistKey = { method, uri: uriReference(uri, tag.line), iv, keyFormat };
  const others = keys.filter((other) => other.keyFormat !== keyFormat);
  if (others.length >= MAX_KEY_FORMATS) {
    throw playlistError(tag.line, `there are more than ${MAX_KEY_FORMATS} key formats at once`);
  }
  return [...others, key];
}

function parseInitSection(tag: TagLine, keys: readonly PlaylistKey[]): InitSection {
  const attributes = parseAttributes(tag.value, tag.line, tag.valueStart);
  const uri = attributes.get("URI");
  if (uri === undefined) {
    throw playlistError(tag.line, "EXT-X-MAP has no URI");
  }
  const range = attributes.get("BYTERANGE");
  if (range === undefined) {
    return { uri: uriReference(uri, tag.line), byteRange: null, keys };
  }
  const { length, offset } = parseByteRange(range.value, tag.line);
  return { uri: uriReference(uri, tag.line), byteRange: { length, offset: offset ?? 0 }, keys };
}

function parsePlaylistType(tag: TagLine): "VOD" | "EVENT" {
  const type = tag.value.trim();
  if (type !== "VOD" && type !== "EVENT") {
    throw playlistError(tag.line, "EXT-X-PLAYLIST-TYPE is not VOD or EVENT");
  }
  return type;
}

function parseInteger(text: string, line: number, what: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw playlistError(line, `${what} has no whole number`);
  }
  return value;
}
