import type { ReactNode } from "react";
import { prettyJson } from "../format/pretty-json.ts";
import { CopyButton } from "./copy-button.tsx";

/** A body as it came, on indented lines when it is JSON. It is foreign text, and stays text. */
export function JsonView({ text, label }: { text: string; label: string }): ReactNode {
  const pretty = prettyJson(text);
  return (
    <div className="code-block">
      <div className="code-bar">
        <span className="muted">{pretty === null ? "Not JSON: shown as it came" : label}</span>
        <CopyButton text={text} what={label} />
      </div>
      <pre tabIndex={0} aria-label={label}>
        {pretty ?? text}
      </pre>
    </div>
  );
}
