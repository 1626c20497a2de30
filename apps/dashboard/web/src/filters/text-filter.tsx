import { useEffect, useId, useRef, useState } from "react";
import type { ReactNode } from "react";

/** Typing is followed after a pause this long; milliseconds. */
const PAUSE_MS = 350;

export interface TextFilterProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  id?: string;
  type?: "text" | "search";
  labelHidden?: boolean;
}

/** A field that filters by what was typed, when the reader pauses or presses Enter. Esc empties it. */
export function TextFilter(props: TextFilterProps): ReactNode {
  const { label, value, onChange, placeholder, type = "text", labelHidden = false } = props;
  const ownId = useId();
  const id = props.id ?? ownId;
  const [draft, setDraft] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  // What this field asked for last. When it comes back as the value, the reader may have typed on, and keeps that.
  const applied = useRef(value);
  useEffect(() => {
    if (value.trim() === applied.current.trim()) return;
    // The address changed by other means: a chip that is removed, or the browser's back.
    applied.current = value;
    clearTimeout(timer.current);
    setDraft(value);
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const apply = (next: string): void => {
    clearTimeout(timer.current);
    // The value of an address may have blanks at its ends: a field that was only looked at changes nothing.
    if (next.trim() === applied.current.trim()) return;
    applied.current = next.trim();
    onChange(next.trim());
  };
  return (
    <div className="field">
      <label htmlFor={id} className={labelHidden ? "visually-hidden" : undefined}>
        {label}
      </label>
      <input
        id={id}
        type={type}
        value={draft}
        maxLength={512}
        placeholder={placeholder}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        onChange={(event) => {
          const next = event.target.value;
          setDraft(next);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => apply(next), PAUSE_MS);
        }}
        onBlur={() => apply(draft)}
        onKeyDown={(event) => {
          if (event.key === "Enter") apply(draft);
          if (event.key === "Escape") {
            setDraft("");
            apply("");
          }
        }}
      />
    </div>
  );
}
