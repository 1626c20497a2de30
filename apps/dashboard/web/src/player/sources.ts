import type { Container } from "@reelgate/shared/contract/media";
import type { About } from "@reelgate/shared/contract/overview";
import type { Recording } from "@reelgate/shared/contract/recording";

export interface Source {
  /** Of this origin; the dashboard decides what is behind it. */
  url: string;
  container: Container;
}

export interface PlayableSources {
  /** The stored copy. */
  copy: Source | null;
  /** The provider's own file. */
  provider: Source | null;
  /** Where the stored copy can be fetched: of HLS, its playlist. */
  download: string | null;
}

/** The URL of a copy that is a folder is that of its playlist. */
const PLAYLIST = "/index.m3u8";

/** What of a recording this installation lets the pages play. */
export function playableSources(recording: Recording, about: About | null): PlayableSources {
  const container: Container = recording.media?.container ?? recording.format;
  const isFolder = recording.stored?.url.endsWith(PLAYLIST) === true;
  const base = `/api/recordings/${encodeURIComponent(recording.id)}`;
  const hasCopy = recording.stored !== null && about?.playsStoredCopies === true;
  // A playlist names its segments relative to itself, so it needs a name of its own below the copy.
  const copyUrl = isFolder ? `${base}/copy${PLAYLIST}` : `${base}/copy`;
  return {
    copy: hasCopy ? { url: copyUrl, container: isFolder ? "hls" : container } : null,
    provider: about?.playsProviderUrls === true ? { url: `${base}/source`, container } : null,
    download: hasCopy ? `${copyUrl}?download=1` : null,
  };
}
