import type { Source } from "./sources.ts";

/**
 * Lets an element play a source by what its container needs. Each player library is fetched when the first recording of
 * its kind is played.
 *
 * @returns what undoes it
 */
export async function attachSource(
  video: HTMLVideoElement,
  source: Source,
  tell: (problem: string) => void,
): Promise<() => void> {
  switch (source.container) {
    case "hls":
      return await attachHls(video, source.url, tell);
    case "flv":
    case "mpegts":
      return await attachFlv(video, source, tell);
    case "mp4":
    case "aac":
      return attachNative(video, source.url);
    default:
      return source.container satisfies never;
  }
}

function attachNative(video: HTMLVideoElement, url: string): () => void {
  video.src = url;
  return () => {
    video.removeAttribute("src");
    video.load();
  };
}

async function attachHls(
  video: HTMLVideoElement,
  url: string,
  tell: (problem: string) => void,
): Promise<() => void> {
  const { default: Hls } = await import("hls.js");
  if (!Hls.isSupported()) {
    if (video.canPlayType("application/vnd.apple.mpegurl") !== "") return attachNative(video, url);
    tell("This browser cannot play HLS.");
    return () => {};
  }
  // Its worker would be a script out of a blob, which the content security policy forbids; that of mpegts.js too.
  const hls = new Hls({ enableWorker: false });
  let recovered = false;
  hls.on(Hls.Events.ERROR, (_event, data) => {
    if (!data.fatal) return;
    if (data.type === Hls.ErrorTypes.MEDIA_ERROR && !recovered) {
      recovered = true;
      hls.recoverMediaError();
      return;
    }
    tell(
      data.type === Hls.ErrorTypes.NETWORK_ERROR
        ? "A part of the recording could not be loaded."
        : `This browser cannot play the recording (${data.details}).`,
    );
  });
  hls.loadSource(url);
  hls.attachMedia(video);
  return () => hls.destroy();
}

async function attachFlv(
  video: HTMLVideoElement,
  source: Source,
  tell: (problem: string) => void,
): Promise<() => void> {
  const { default: mpegts } = await import("mpegts.js");
  if (!mpegts.isSupported()) {
    tell(`This browser cannot play ${source.container.toUpperCase()}.`);
    return () => {};
  }
  mpegts.LoggingControl.applyConfig({ enableAll: false });
  const player = mpegts.createPlayer(
    { type: source.container, url: source.url, isLive: false, withCredentials: false },
    { enableWorker: false, lazyLoad: true, seekType: "range" },
  );
  player.on(mpegts.Events.ERROR, (type: string, detail: string) => {
    tell(
      type === mpegts.ErrorTypes.NETWORK_ERROR
        ? "The recording could not be loaded."
        : `This browser cannot play the recording (${detail}).`,
    );
  });
  player.attachMediaElement(video);
  player.load();
  return () => player.destroy();
}
