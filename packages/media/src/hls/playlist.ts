/**
 * A URI as it stands in the playlist, and where: `start` and `end` are offsets into the playlist's `text` (UTF-16 code
 * units, end exclusive), so that a copy with other URIs is made by replacing exactly these spans.
 */
export interface UriReference {
  uri: string;
  /** From 1. */
  line: number;
  start: number;
  end: number;
}

/** Part of a file, in bytes. */
export interface ByteRange {
  offset: number;
  length: number;
}

export interface PlaylistKey {
  method: "AES-128" | "SAMPLE-AES";
  uri: UriReference;
  /** As written (`0x…`), or null: then the segment's media sequence number is the IV. */
  iv: string | null;
  /** `identity` when the playlist names none. */
  keyFormat: string;
}

export interface InitSection {
  uri: UriReference;
  byteRange: ByteRange | null;
  /** The keys in force at the EXT-X-MAP, which need not be those of the segments (RFC 8216, 4.3.2.5). */
  keys: readonly PlaylistKey[];
}

export interface Segment {
  uri: UriReference;
  durationS: number;
  /** Media sequence number: EXT-X-MEDIA-SEQUENCE plus the position. */
  sequence: number;
  byteRange: ByteRange | null;
  /** The keys in force, one for each key format; empty for a segment in the clear. Shared between segments. */
  keys: readonly PlaylistKey[];
  /** The EXT-X-MAP in force. Shared between segments. */
  init: InitSection | null;
  /** The segment begins after an EXT-X-DISCONTINUITY. */
  discontinuity: boolean;
  /** The playlist itself says that the segment is absent (EXT-X-GAP). */
  gap: boolean;
}

export interface MediaPlaylist {
  kind: "media";
  /** The decoded text that all offsets point into. */
  text: string;
  targetDurationS: number;
  mediaSequence: number;
  playlistType: "VOD" | "EVENT" | null;
  /** EXT-X-ENDLIST is there: nothing will be added. */
  ended: boolean;
  segments: readonly Segment[];
}

export interface Variant {
  uri: UriReference;
  /** Peak rate in bit/s. */
  bandwidth: number;
  codecs: string | null;
}

export interface MasterPlaylist {
  kind: "master";
  text: string;
  variants: readonly Variant[];
  /** URIs of alternative renditions (EXT-X-MEDIA), trick-play streams, session data and session keys. */
  otherUris: readonly UriReference[];
}

export type Playlist = MediaPlaylist | MasterPlaylist;

export const MAX_PLAYLIST_BYTES = 4_194_304;
export const MAX_PLAYLIST_SEGMENTS = 100_000;
/** Of a master playlist: so many variants, and so many other URIs. Real ones have some ten of each. */
export const MAX_MASTER_URIS = 1000;
