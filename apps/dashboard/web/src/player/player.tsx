import { useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import { attachSource } from "./attach-source.ts";
import type { Source } from "./sources.ts";

/** Plays one source, and says in words when it cannot. */
export function Player({ source, isAudio }: { source: Source; isAudio: boolean }): ReactNode {
  const video = useRef<HTMLVideoElement>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    const element = video.current;
    if (element === null) return;
    const controller = new AbortController();
    const { signal } = controller;
    const tell = (message: string): void => {
      if (!signal.aborted) setProblem(message);
    };
    element.addEventListener("error", () => tell(mediaErrorText(element.error)), { signal });
    let detach: (() => void) | null = null;
    attachSource(element, source, tell).then(
      (detachSource) => {
        if (signal.aborted) detachSource();
        else detach = detachSource;
      },
      () => tell("The player could not be loaded. Reload the page and try again."),
    );
    element.focus();
    return () => {
      controller.abort();
      detach?.();
    };
  }, [source]);
  return (
    <>
      <video
        ref={video}
        className={isAudio ? "player-video player-audio" : "player-video"}
        controls
        autoPlay
        playsInline
        preload="metadata"
      />
      {problem !== null && (
        <p className="player-problem" role="alert">
          {problem}
        </p>
      )}
    </>
  );
}

function mediaErrorText(error: MediaError | null): string {
  switch (error?.code) {
    case MediaError.MEDIA_ERR_NETWORK:
      return "The file broke off while it was loaded.";
    case MediaError.MEDIA_ERR_DECODE:
      return "This browser cannot decode the file: its codec, or damage in it.";
    case MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED:
      return "This browser cannot play the file: its format or codec, or it is not there.";
    default:
      return "The file cannot be played.";
  }
}
