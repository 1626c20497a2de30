import { AppError } from "@reelgate/shared/errors";
import { describeUrl } from "../http/describe-url.ts";
import { knownSizeBytes } from "../http/known-size.ts";
import type { MediaClient, Prefix } from "../http/media-client.ts";
import { startTurns } from "../concurrency/event-loop-turns.ts";
import { parsePlaylist } from "./parse-playlist.ts";
import {
  MAX_PLAYLIST_BYTES,
  type MasterPlaylist,
  type MediaPlaylist,
  type Playlist,
  type Variant,
} from "./playlist.ts";

/** The media playlist behind a URL. */
export interface LocatedPlaylists {
  playlist: MediaPlaylist;
  /** Its address after redirects. */
  base: URL;
  /** The master playlist that led here, its address after redirects, and the variant that was chosen. */
  master: { playlist: MasterPlaylist; base: URL; variant: Variant } | null;
  /** Variants of the master playlist; 0 without one. */
  variants: number;
  /** Of the media playlist and the master playlist, if there is one. */
  playlistBytes: number;
}

interface LocatedPlaylist {
  playlist: Playlist;
  url: URL;
  sizeBytes: number;
}

/**
 * Reads the playlist behind a URL, and of a master playlist the variant of the highest bandwidth. Every URI of the master
 * playlist passes the guard or is an error.
 *
 * @param first What was read of the URL so far; read again as a whole when it is only the beginning.
 * @throws AppError `media_playlist_invalid`, `media_url_forbidden`, and as `MediaClient.open` does.
 */
export async function locatePlaylists(
  client: MediaClient,
  url: URL,
  first: Prefix,
  signal: AbortSignal,
): Promise<LocatedPlaylists> {
  const isWhole = first.totalSizeBytes === first.bytes.length;
  const top = parseWhole(
    isWhole ? first : await client.readPrefix(url, MAX_PLAYLIST_BYTES + 1, signal),
  );
  if (top.playlist.kind === "media") {
    const { playlist, url: base, sizeBytes } = top;
    return { playlist, base, master: null, variants: 0, playlistBytes: sizeBytes };
  }
  const chosen = await chooseVariant(client, top.playlist, top.url, signal);
  const variantUrl = client.check(chosen.uri.uri, top.url);
  const variant = parseWhole(await client.readPrefix(variantUrl, MAX_PLAYLIST_BYTES + 1, signal));
  if (variant.playlist.kind === "master") {
    throw new AppError("media_playlist_invalid", {
      message: `${describeUrl(variantUrl)}: a variant is itself a master playlist.`,
    });
  }
  return {
    playlist: variant.playlist,
    base: variant.url,
    master: { playlist: top.playlist, base: top.url, variant: chosen },
    variants: top.playlist.variants.length,
    playlistBytes: top.sizeBytes + variant.sizeBytes,
  };
}

function parseWhole(prefix: Prefix): LocatedPlaylist {
  const { bytes, finalUrl: url } = prefix;
  // A playlist that goes on beyond what came would lose its last segments unnoticed; a longer one is refused anyway.
  if (bytes.length <= MAX_PLAYLIST_BYTES) {
    knownSizeBytes(prefix);
  }
  return { playlist: parsePlaylist(bytes), url, sizeBytes: bytes.length };
}

async function chooseVariant(
  client: MediaClient,
  { variants, otherUris }: MasterPlaylist,
  base: URL,
  signal: AbortSignal,
): Promise<Variant> {
  const turns = startTurns(signal);
  for (const { uri } of [...otherUris, ...variants.map((variant) => variant.uri)]) {
    if (turns.isOver()) {
      await turns.next();
    }
    client.check(uri, base);
  }
  return variants.reduce((a, b) => (b.bandwidth > a.bandwidth ? b : a));
}
