import type { ReactNode } from "react";
import type { Recording } from "@reelgate/shared/contract/recording";
import { CopyButton } from "../ui/copy-button.tsx";
import { Facts, Panel } from "../ui/panel.tsx";
import { Time } from "../ui/time.tsx";

export interface IdentityPanelProps {
  recording: Recording;
  /** Where the dashboard leads to the provider's file; null when it does not. */
  sourceUrl: string | null;
}

/** What the callback said beside the file itself. The URL is a claim: it is shown as text, never linked. */
export function IdentityPanel({ recording, sourceUrl }: IdentityPanelProps): ReactNode {
  const id = (value: string | null): ReactNode =>
    value === null ? null : <code className="break-anywhere">{value}</code>;
  return (
    <Panel title="Details">
      <Facts
        facts={{
          Started: <Time iso={recording.startedAt} />,
          Ended: <Time iso={recording.endedAt} />,
          "First callback": <Time iso={recording.receivedAt} withAge />,
          Domain: id(recording.app),
          Application: id(recording.appname),
          Channel: id(recording.channelId),
          "File id": id(recording.fileId),
          "Recording file id":
            recording.recordFileId === recording.fileId ? null : id(recording.recordFileId),
          Task: id(recording.taskId),
          Template: id(recording.templateId),
          Account: id(recording.appid),
          "Push parameters": id(recording.streamParam),
          "Provider’s URL": (
            <>
              <code className="break-anywhere">{recording.videoUrl}</code>
              <span className="inline-actions">
                <CopyButton text={recording.videoUrl} what="the provider’s URL" />
                {sourceUrl !== null && (
                  <a href={sourceUrl} rel="noreferrer" target="_blank">
                    Open
                  </a>
                )}
              </span>
            </>
          ),
          Identity: id(recording.identity),
          "Catalogue id": id(recording.id),
        }}
      />
    </Panel>
  );
}
