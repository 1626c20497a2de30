import { Play, VideoOff } from "lucide-react";
import { Suspense, lazy, useMemo, useState } from "react";
import type { ReactNode } from "react";
import type { About } from "@reelgate/shared/contract/overview";
import type { Recording } from "@reelgate/shared/contract/recording";
import { Panel } from "../ui/panel.tsx";
import { browserPlays, unplayableCodecs } from "./codec-support.ts";
import type { PlayableSources, Source } from "./sources.ts";

const Player = lazy(async () => ({ default: (await import("./player.tsx")).Player }));

export interface PlayerPanelProps {
  recording: Recording;
  sources: PlayableSources;
  about: About | null;
}

/** The recording to look at and listen to. Nothing of a player is loaded before it is asked for. */
export function PlayerPanel({ recording, sources, about }: PlayerPanelProps): ReactNode {
  const [chosen, setChosen] = useState<Source | null>(null);
  const unplayable = useMemo(
    () => unplayableCodecs(recording.media, browserPlays),
    [recording.media],
  );
  const { copy, provider } = sources;
  if (chosen !== null) {
    return (
      <Panel
        title="Player"
        aside={
          <button type="button" className="button button-small" onClick={() => setChosen(null)}>
            Close
          </button>
        }
      >
        <Suspense fallback={<div className="player-frame">Loading the player …</div>}>
          <Player key={chosen.url} source={chosen} isAudio={isAudioOnly(recording)} />
        </Suspense>
      </Panel>
    );
  }
  return (
    <Panel title="Player">
      <div className="player-frame">
        {unplayable.length > 0 && (
          <p className="player-message">
            <VideoOff size={18} aria-hidden="true" /> This browser does not play{" "}
            {unplayable.join(" and ")}.
            {copy !== null && " Download the copy, or try another browser."}
          </p>
        )}
        {copy === null && provider === null ? (
          <p className="player-message">
            <VideoOff size={18} aria-hidden="true" /> {whyNothing(recording, about)}
          </p>
        ) : (
          <div className="player-choices">
            {copy !== null && (
              <button
                type="button"
                className="button button-primary"
                onClick={() => setChosen(copy)}
              >
                <Play size={16} aria-hidden="true" /> Play the stored copy
              </button>
            )}
            {provider !== null && (
              <button
                type="button"
                className={copy === null ? "button button-primary" : "button"}
                onClick={() => setChosen(provider)}
              >
                <Play size={16} aria-hidden="true" /> Play the provider’s file
              </button>
            )}
          </div>
        )}
      </div>
    </Panel>
  );
}

function whyNothing(recording: Recording, about: About | null): string {
  if (about === null) return "Asking what can be played here …";
  return recording.stored === null
    ? "There is no stored copy to play. With MEDIA_MODE=download the worker makes one of every recording that is whole."
    : "This dashboard cannot read the storage in which the copy is kept.";
}

function isAudioOnly({ media, format }: Recording): boolean {
  return media === null ? format === "aac" : media.video === null && media.audio !== null;
}
