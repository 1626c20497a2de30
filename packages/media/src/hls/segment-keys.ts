import { AppError } from "@reelgate/shared/errors";
import type { Finding } from "@reelgate/shared/contract/media";
import { sniffContainer } from "../container/sniff.ts";
import { describeUrl } from "../http/describe-url.ts";
import type { MediaClient } from "../http/media-client.ts";
import { AES_BLOCK_BYTES, type SegmentCipher, segmentIv } from "./segment-cipher.ts";
import type { PlaylistKey } from "./playlist.ts";
import { isNotThere } from "./read-part.ts";

/**
 * What a segment's keys come to. `clear`: its bytes are media as they stand. `samples`: the container is in the clear,
 * the samples in it are not. `sealed`: nothing can be seen of it, and `why` tells the reason.
 */
export type SegmentLock =
  | { kind: "clear" }
  | { kind: "samples"; why: string }
  | { kind: "aes"; cipher: SegmentCipher }
  | { kind: "sealed"; why: string };

/** Fetches the keys of a playlist, each once. */
export interface SegmentKeys {
  /** @throws AppError for every failure of a key's origin but "not found" and "forbidden". */
  lockOf(
    part: { keys: readonly PlaylistKey[]; sequence: number },
    signal: AbortSignal,
  ): Promise<SegmentLock>;
  /** A `missing_key` for each that is not there or is no key. */
  findings(): readonly Finding[];
}

type KeyFile =
  | { kind: "key"; bytes: Uint8Array }
  | { kind: "refused" }
  | { kind: "missing"; finding: Finding };

/** @param base Address of the playlist after redirects. */
export function createSegmentKeys(client: MediaClient, base: URL): SegmentKeys {
  const files = new Map<string, Promise<KeyFile>>();
  const missing: Finding[] = [];

  async function load(url: URL, signal: AbortSignal): Promise<KeyFile> {
    const file = await fetchKey(client, url, signal);
    if (file.kind === "missing") {
      missing.push(file.finding);
    }
    return file;
  }

  return {
    async lockOf({ keys, sequence }, signal): Promise<SegmentLock> {
      if (keys.length === 0) {
        return { kind: "clear" };
      }
      const key = keys.find(({ keyFormat }) => keyFormat === "identity");
      if (key?.method !== "AES-128") {
        return keys.every(({ method }) => method === "SAMPLE-AES")
          ? { kind: "samples", why: "they are encrypted with SAMPLE-AES" }
          : { kind: "sealed", why: "their key is of a format that only a player's DRM can read" };
      }
      const url = client.check(key.uri.uri, base);
      const known = files.get(url.href) ?? load(url, signal);
      files.set(url.href, known);
      const file = await known;
      switch (file.kind) {
        case "key":
          return { kind: "aes", cipher: { key: file.bytes, iv: segmentIv(key, sequence) } };
        case "refused":
          return { kind: "sealed", why: "the origin refuses their key" };
        case "missing":
          return { kind: "sealed", why: "their key is missing" };
        default:
          return file satisfies never;
      }
    },
    findings: () => missing,
  };
}

async function fetchKey(client: MediaClient, url: URL, signal: AbortSignal): Promise<KeyFile> {
  const where = describeUrl(url);
  try {
    const { bytes, totalSizeBytes } = await client.readPrefix(url, SNIFFED_BYTES, signal);
    if (bytes.length === AES_BLOCK_BYTES) {
      return { kind: "key", bytes };
    }
    const sizeBytes = totalSizeBytes ?? bytes.length;
    const sniffed = bytes.length < SNIFFED_BYTES / 2 ? null : sniffContainer(bytes);
    const nature = sniffed?.container === "unknown" ? ` (${sniffed.description})` : "";
    const detail = `${where} is no key: it has ${sizeBytes} bytes${nature}, a key has 16.`;
    return {
      kind: "missing",
      finding: { kind: "missing_key", declared: where, actual: sizeBytes, detail },
    };
  } catch (error) {
    if (isNotThere(error)) {
      const detail = `The key ${where} is missing: the origin says that it is not there.`;
      return {
        kind: "missing",
        finding: { kind: "missing_key", declared: where, actual: null, detail },
      };
    }
    if (error instanceof AppError && error.code === "media_forbidden") {
      return { kind: "refused" };
    }
    throw error;
  }
}

/** Enough to tell a page of HTML from a key. */
const SNIFFED_BYTES = 64;
