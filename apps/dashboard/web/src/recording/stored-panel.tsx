import { Download } from "lucide-react";
import type { ReactNode } from "react";
import type { StoredCopy } from "@reelgate/shared/contract/recording";
import { counted } from "../format/quantities.ts";
import { CopyButton } from "../ui/copy-button.tsx";
import { Facts, Panel } from "../ui/panel.tsx";
import { Bytes } from "../ui/quantity.tsx";

export interface StoredPanelProps {
  stored: StoredCopy;
  /** Where the dashboard serves the copy; null when it cannot. */
  copyUrl: string | null;
}

/** The verified copy. Its URL is one of a storage, for programs: it is shown, never linked. */
export function StoredPanel({ stored, copyUrl }: StoredPanelProps): ReactNode {
  return (
    <Panel
      title="Stored copy"
      aside={
        copyUrl !== null && (
          <a className="button button-small" href={copyUrl} download>
            <Download size={14} aria-hidden="true" /> Download{stored.files > 1 ? " playlist" : ""}
          </a>
        )
      }
    >
      <Facts
        facts={{
          Address: (
            <span className="with-copy">
              <code className="break-anywhere">{stored.url}</code>
              <CopyButton text={stored.url} what="the address of the copy" />
            </span>
          ),
          Contents: (
            <>
              <Bytes value={stored.sizeBytes} /> in {counted(stored.files, "file")}
            </>
          ),
          [stored.files > 1 ? "SHA-256 of SHA256SUMS" : "SHA-256"]: (
            <span className="with-copy">
              <code className="break-anywhere">{stored.sha256}</code>
              <CopyButton text={stored.sha256} what="the hash" />
            </span>
          ),
        }}
      />
    </Panel>
  );
}
