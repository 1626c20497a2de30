import { createHash } from "node:crypto";
import type { Container } from "@reelgate/shared/contract/media";

/** What the name of a stored copy is made of. Every text may come from a callback, so none is trusted. */
export interface CopyNameParts {
  app: string | null;
  appname: string | null;
  streamId: string;
  /** ISO 8601. */
  startedAt: string;
  /** What makes two callbacks about the same recording; see the catalogue. */
  identity: string;
}

/** Four parts of this and a prefix of a bucket stay below the 1024 bytes that S3 allows for a key. */
const MAX_PART_BYTES = 120;
/** 128 bits of SHA-256: nobody finds two recordings that share it. */
const IDENTITY_HEX_CHARS = 32;

/**
 * The name of a recording's copy without its extension: `{app}/{appname}/{streamId}/{startedAt}-{identity}`, relative,
 * with `/` between the parts. The first parts are there for people and may be equal for two recordings; the identity is
 * a hash in lower-case hexadecimal, so that no two recordings share a name, on a file system that ignores case either.
 */
export function copyName(parts: CopyNameParts): string {
  const identity = createHash("sha256")
    .update(parts.identity)
    .digest("hex")
    .slice(0, IDENTITY_HEX_CHARS);
  // A colon is no part of a file name on Windows; without the dashes the only one left parts time and identity.
  const startedAt = safePart(parts.startedAt.replaceAll(/[-:]/g, ""), 40);
  return [
    safePart(parts.app ?? "", MAX_PART_BYTES),
    safePart(parts.appname ?? "", MAX_PART_BYTES),
    safePart(parts.streamId, MAX_PART_BYTES),
    `${startedAt}-${identity}`,
  ].join("/");
}

/** What is put behind a name: `.mp4` and the like. A HLS copy is a folder of that name. */
export function copyExtension(container: Container): string {
  switch (container) {
    case "hls":
      return "";
    case "mpegts":
      return ".ts";
    case "mp4":
    case "flv":
    case "aac":
      return `.${container}`;
    default:
      return container satisfies never;
  }
}

/** Devices that Windows finds in every folder, also with an extension (Microsoft, "Naming Files, Paths, and Namespaces"). */
const WINDOWS_DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * A part of a path that means the same everywhere: letters, digits, `-`, `_` and `.` of any script, neither empty nor
 * hidden nor an option of a command, in at most `maxBytes` bytes of UTF-8.
 */
export function safePart(text: string, maxBytes: number): string {
  const allowed = text.normalize("NFC").replaceAll(/[^\p{L}\p{M}\p{Nd}._-]/gu, "_");
  const tame = cutToBytes(allowed, maxBytes - 1)
    .replace(/^[.-]/, "_")
    .replace(/\.$/, "_");
  if (tame === "") {
    return "_";
  }
  return WINDOWS_DEVICE.test(tame) ? `_${tame}` : tame;
}

function cutToBytes(text: string, maxBytes: number): string {
  let bytes = 0;
  let cut = "";
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) {
      break;
    }
    cut += character;
  }
  return cut;
}
