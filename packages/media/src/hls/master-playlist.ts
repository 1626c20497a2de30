import { type Attribute, parseAttributes } from "./attribute-list.ts";
import {
  MAX_MASTER_URIS,
  type MasterPlaylist,
  type UriReference,
  type Variant,
} from "./playlist.ts";
import { playlistError, type PlaylistLine } from "./playlist-lines.ts";

/** Reads the lines of a master playlist (RFC 8216, 4.3.4). */
export function parseMasterPlaylist(lines: Iterable<PlaylistLine>, text: string): MasterPlaylist {
  const variants: Variant[] = [];
  const otherUris: UriReference[] = [];
  let pending: { bandwidth: number; codecs: string | null; line: number } | null = null;
  for (const item of lines) {
    if (item.kind === "uri") {
      if (pending === null) {
        throw playlistError(item.line, "a URI without EXT-X-STREAM-INF before it");
      }
      const { line, uri, start, end } = item;
      if (variants.length >= MAX_MASTER_URIS) {
        throw playlistError(line, `there are more than ${MAX_MASTER_URIS} variants`);
      }
      variants.push({
        uri: { uri, line, start, end },
        bandwidth: pending.bandwidth,
        codecs: pending.codecs,
      });
      pending = null;
      continue;
    }
    switch (item.name) {
      case "EXT-X-STREAM-INF": {
        if (pending !== null) {
          throw playlistError(pending.line, "EXT-X-STREAM-INF without a URI after it");
        }
        const attributes = parseAttributes(item.value, item.line, item.valueStart);
        pending = {
          bandwidth: parseBandwidth(attributes.get("BANDWIDTH"), item.line),
          codecs: attributes.get("CODECS")?.value ?? null,
          line: item.line,
        };
        break;
      }
      case "EXT-X-MEDIA":
      case "EXT-X-I-FRAME-STREAM-INF":
      case "EXT-X-SESSION-DATA":
      case "EXT-X-SESSION-KEY": {
        const uri = parseAttributes(item.value, item.line, item.valueStart).get("URI");
        if (uri !== undefined) {
          if (otherUris.length >= MAX_MASTER_URIS) {
            throw playlistError(
              item.line,
              `there are more than ${MAX_MASTER_URIS} renditions, keys and data`,
            );
          }
          otherUris.push(uriReference(uri, item.line));
        }
        break;
      }
      default:
        break;
    }
  }
  if (pending !== null) {
    throw playlistError(pending.line, "EXT-X-STREAM-INF without a URI after it");
  }
  if (variants.length === 0) {
    throw playlistError(null, "the master playlist has no variant");
  }
  return { kind: "master", text, variants, otherUris };
}

/** A URI attribute as a reference into the playlist's text; it must be a quoted string that is not empty. */
export function uriReference(attribute: Attribute, line: number): UriReference {
  if (!attribute.quoted || attribute.value === "") {
    throw playlistError(line, "the URI is empty or not quoted");
  }
  return { uri: attribute.value, line, start: attribute.start, end: attribute.end };
}

function parseBandwidth(attribute: Attribute | undefined, line: number): number {
  const text = attribute?.value ?? "";
  if (!/^\d{1,15}$/.test(text)) {
    throw playlistError(line, "BANDWIDTH is missing or not a number");
  }
  return Number(text);
}
