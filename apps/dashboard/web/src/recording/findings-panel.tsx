import { CircleCheck } from "lucide-react";
import type { ReactNode } from "react";
import type { Finding } from "@reelgate/shared/contract/media";
import type { Recording } from "@reelgate/shared/contract/recording";
import { FINDING_WORDS, gravestFirst, severityOf } from "../findings/finding-words.ts";
import { SeverityBadge } from "../ui/badges.tsx";
import { Panel } from "../ui/panel.tsx";

export function FindingsPanel({ recording }: { recording: Recording }): ReactNode {
  const findings = gravestFirst(recording.findings);
  return (
    <Panel title={findings.length === 0 ? "Findings" : `Findings (${findings.length})`}>
      {findings.length === 0 ? (
        <p className="panel-empty">
          {recording.media === null ? (
            "Nothing is known about the file yet."
          ) : (
            <>
              <CircleCheck size={18} className="good" aria-hidden="true" /> Nothing is missing;
              size, duration and format are as declared.
            </>
          )}
        </p>
      ) : (
        <ul className="findings">
          {findings.map((finding, index) => (
            <FindingItem key={index} finding={finding} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function FindingItem({ finding }: { finding: Finding }): ReactNode {
  const severity = severityOf(finding);
  const { title, meaning, advice } = FINDING_WORDS[finding.kind];
  return (
    <li className={`finding finding-${severity}`}>
      <div className="finding-head">
        <strong>{title}</strong>
        <SeverityBadge severity={severity} />
      </div>
      <p>{meaning}</p>
      {finding.detail !== "" && <p className="finding-detail">{finding.detail}</p>}
      <p className="muted">{advice}</p>
    </li>
  );
}
