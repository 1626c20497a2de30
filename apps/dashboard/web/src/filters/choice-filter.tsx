import { useId } from "react";
import type { ReactNode } from "react";

export interface ChoiceFilterProps<T extends string> {
  label: string;
  value: T | undefined;
  /** What is shown when nothing is chosen. */
  none: string;
  choices: readonly { value: T; label: string }[];
  onChange: (value: T | undefined) => void;
}

export function ChoiceFilter<T extends string>(props: ChoiceFilterProps<T>): ReactNode {
  const { label, value, none, choices, onChange } = props;
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value ?? ""}
        className={value === undefined ? undefined : "is-set"}
        onChange={(event) =>
          onChange(choices.find((choice) => choice.value === event.target.value)?.value)
        }
      >
        <option value="">{none}</option>
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
    </div>
  );
}
