import {
  Archive,
  CircleCheck,
  CircleDashed,
  CircleQuestionMark,
  CircleX,
  Copy,
  GitCompareArrows,
  Hourglass,
  OctagonAlert,
  Plus,
  TriangleAlert,
} from "lucide-react";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import type { Finding, FindingSeverity } from "@reelgate/shared/contract/media";
import type { LookResult, Outcome, RecordingState } from "@reelgate/shared/contract/recording";
import {
  FINDING_WORDS,
  SEVERITY_WORDS,
  gravestFirst,
  severityOf,
} from "../findings/finding-words.ts";

type Tone = "good" | "kept" | "wait" | "warn" | "bad" | "quiet";

interface BadgeProps {
  tone: Tone;
  icon: LucideIcon;
  children: ReactNode;
  title?: string;
}

/** What something is, by a word and an icon; the colour only says it again. */
function Badge({ tone, icon: Icon, children, title }: BadgeProps): ReactNode {
  return (
    <span className={`badge badge-${tone}`} title={title}>
      <Icon size={14} aria-hidden="true" />
      {children}
    </span>
  );
}

const STATES: Readonly<Record<RecordingState, { tone: Tone; icon: LucideIcon; title: string }>> = {
  pending: { tone: "wait", icon: Hourglass, title: "Its file will be looked at" },
  indexed: { tone: "good", icon: CircleCheck, title: "Its file was looked at" },
  stored: { tone: "kept", icon: Archive, title: "Its file was verified, and a copy is kept" },
  failed: { tone: "bad", icon: CircleX, title: "Nothing could be said about its file" },
};

export function StateBadge({ state }: { state: RecordingState }): ReactNode {
  const { tone, icon, title } = STATES[state];
  return (
    <Badge tone={tone} icon={icon} title={title}>
      {state}
    </Badge>
  );
}

const OUTCOMES: Readonly<Record<Outcome, { tone: Tone; icon: LucideIcon; title: string }>> = {
  recorded: { tone: "good", icon: Plus, title: "Made a new recording" },
  duplicate: { tone: "quiet", icon: Copy, title: "Of a recording that is known, and agrees" },
  conflict: {
    tone: "warn",
    icon: GitCompareArrows,
    title: "Of a recording that is known, and contradicts it",
  },
  invalid: { tone: "bad", icon: OctagonAlert, title: "Not a sound recording event" },
  unsupported: { tone: "quiet", icon: CircleQuestionMark, title: "Another type of event" },
};

export function OutcomeBadge({ outcome }: { outcome: Outcome }): ReactNode {
  const { tone, icon, title } = OUTCOMES[outcome];
  return (
    <Badge tone={tone} icon={icon} title={title}>
      {outcome}
    </Badge>
  );
}

const SEVERITIES: Readonly<Record<FindingSeverity, { tone: Tone; icon: LucideIcon }>> = {
  broken: { tone: "bad", icon: OctagonAlert },
  different: { tone: "warn", icon: TriangleAlert },
  unchecked: { tone: "quiet", icon: CircleDashed },
};

export function SeverityBadge({ severity }: { severity: FindingSeverity }): ReactNode {
  const { tone, icon } = SEVERITIES[severity];
  const { title, meaning } = SEVERITY_WORDS[severity];
  return (
    <Badge tone={tone} icon={icon} title={meaning}>
      {title}
    </Badge>
  );
}

/** The gravest finding by name, and how many others there are. */
export function FindingsBadge({ findings }: { findings: readonly Finding[] }): ReactNode {
  const [gravest, ...others] = gravestFirst(findings);
  if (gravest === undefined) return null;
  const severity = severityOf(gravest);
  const { tone, icon } = SEVERITIES[severity];
  const words = FINDING_WORDS[gravest.kind];
  return (
    <Badge
      tone={tone}
      icon={icon}
      title={`${SEVERITY_WORDS[severity].title}: ${gravest.detail || words.meaning}`}
    >
      {words.title}
      {others.length > 0 && <span className="badge-more">+{others.length}</span>}
    </Badge>
  );
}

const RESULTS: Readonly<Record<LookResult, { tone: Tone; icon: LucideIcon }>> = {
  indexed: { tone: "good", icon: CircleCheck },
  stored: { tone: "kept", icon: Archive },
  failed: { tone: "bad", icon: CircleX },
};

export function LookBadge({ result, final }: { result: LookResult; final: boolean }): ReactNode {
  const { tone, icon } = RESULTS[result];
  const isRepeated = result === "failed" && !final;
  return (
    <Badge tone={isRepeated ? "warn" : tone} icon={icon}>
      {isRepeated ? "failed, tried again" : result}
    </Badge>
  );
}
