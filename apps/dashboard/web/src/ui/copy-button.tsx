import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import type { ReactNode } from "react";

/** How long the button says that it has copied; milliseconds. */
const SAID_MS = 2000;

/** Copies text to the clipboard, and says so. `what` completes "Copy …". */
export function CopyButton({ text, what }: { text: string; what: string }): ReactNode {
  const [said, setSaid] = useState<"nothing" | "copied" | "failed">("nothing");
  useEffect(() => {
    if (said === "nothing") return;
    const timer = setTimeout(() => setSaid("nothing"), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("copied");
    } catch {
      // Browsers give the clipboard to pages from https or this machine alone.
      setSaid(copyBySelection(text) ? "copied" : "failed");
    }
  };
  return (
    <button type="button" className="button button-small button-quiet" onClick={() => void copy()}>
      {said === "copied" ? (
        <Check size={14} aria-hidden="true" />
      ) : (
        <Copy size={14} aria-hidden="true" />
      )}
      <span aria-live="polite">
        {said === "nothing" && (
          <>
            Copy<span className="visually-hidden"> {what}</span>
          </>
        )}
        {said === "copied" && "Copied"}
        {said === "failed" && "Cannot copy"}
      </span>
    </button>
  );
}

function copyBySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.setAttribute("readonly", "");
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
