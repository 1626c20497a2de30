import { SlidersHorizontal, X } from "lucide-react";
import { useState } from "react";
import type { ReactNode } from "react";
import { FILE_FORMATS, FINDING_KINDS } from "@reelgate/shared/contract/media";
import { RECORDING_STATES } from "@reelgate/shared/contract/recording";
import { FINDING_WORDS } from "../findings/finding-words.ts";
import { fromLocalInput, localTime, toLocalInput } from "../format/times.ts";
import { SEARCH_FIELD } from "../search-key.ts";
import { ChoiceFilter } from "./choice-filter.tsx";
import type { RecordingFilter } from "./recording-filter.ts";
import { TextFilter } from "./text-filter.tsx";

const STATES = RECORDING_STATES.map((value) => ({ value, label: value }));
const FORMATS = FILE_FORMATS.map((value) => ({ value, label: value.toUpperCase() }));
const FINDINGS = [
  { value: "any" as const, label: "any finding" },
  ...FINDING_KINDS.map((value) => ({ value, label: FINDING_WORDS[value].title })),
];
const RECENT = [
  { label: "Last hour", hours: 1 },
  { label: "Last 24 hours", hours: 24 },
  { label: "Last 7 days", hours: 168 },
] as const;

/** Names of the filters that are behind "More filters". */
const FURTHER = {
  stream_id: "Stream",
  app: "Domain",
  appname: "Application",
  task_id: "Task",
} as const;

const CHIP_NAMES = {
  q: "Search",
  ...FURTHER,
  state: "State",
  format: "Format",
  finding: "Finding",
  from: "From",
  to: "To",
} as const;

export interface RecordingFiltersProps {
  filter: RecordingFilter;
  onChange: (filter: RecordingFilter) => void;
}

export function RecordingFilters({ filter, onChange }: RecordingFiltersProps): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const set = <K extends keyof RecordingFilter>(name: K, value: RecordingFilter[K] | ""): void => {
    const { [name]: _previous, ...rest } = filter;
    onChange(value === undefined || value === "" ? rest : { ...rest, [name]: value });
  };
  return (
    <search className="filters">
      <div className="filter-row">
        <div className="filter-search">
          <TextFilter
            id={SEARCH_FIELD}
            type="search"
            label="Search by stream, file, task or recording id"
            labelHidden
            placeholder="Stream, file or task id, exactly"
            value={filter.q ?? ""}
            onChange={(value) => set("q", value)}
          />
          <kbd className="hide-narrow" aria-hidden="true" title="Press / to search">
            /
          </kbd>
        </div>
        <ChoiceFilter
          label="State"
          none="any state"
          value={filter.state}
          choices={STATES}
          onChange={(value) => set("state", value)}
        />
        <ChoiceFilter
          label="Format"
          none="any format"
          value={filter.format}
          choices={FORMATS}
          onChange={(value) => set("format", value)}
        />
        <ChoiceFilter
          label="Finding"
          none="with or without"
          value={filter.finding}
          choices={FINDINGS}
          onChange={(value) => set("finding", value)}
        />
        <button
          type="button"
          className="button"
          aria-expanded={isOpen}
          aria-controls="further-filters"
          onClick={() => setOpen(!isOpen)}
        >
          <SlidersHorizontal size={16} aria-hidden="true" /> More filters
        </button>
      </div>
      <div id="further-filters" className="filter-row" hidden={!isOpen}>
        {(Object.keys(FURTHER) as (keyof typeof FURTHER)[]).map((name) => (
          <TextFilter
            key={name}
            label={FURTHER[name]}
            value={filter[name] ?? ""}
            onChange={(value) => set(name, value)}
          />
        ))}
        <TimeFilter
          label="Started from"
          value={filter.from}
          onChange={(value) => set("from", value)}
        />
        <TimeFilter
          label="Started before"
          value={filter.to}
          onChange={(value) => set("to", value)}
        />
        <div className="filter-quick">
          {RECENT.map(({ label, hours }) => (
            <button
              key={label}
              type="button"
              className="button button-small"
              onClick={() => {
                const { to: _to, ...rest } = filter;
                onChange({ ...rest, from: new Date(Date.now() - hours * 3_600_000).toISOString() });
              }}
            >
              {label}
            </button>
          ))}
        </div>
      </div>
      <FilterChips
        filter={filter}
        onRemove={(name) => set(name, undefined)}
        onClear={() => onChange({})}
      />
    </search>
  );
}

interface TimeFilterProps {
  label: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}

function TimeFilter({ label, value, onChange }: TimeFilterProps): ReactNode {
  return (
    <div className="field">
      <label>
        {label}
        <input
          type="datetime-local"
          step={1}
          value={value === undefined ? "" : toLocalInput(value)}
          onChange={(event) => onChange(fromLocalInput(event.target.value) ?? undefined)}
        />
      </label>
    </div>
  );
}

interface FilterChipsProps {
  filter: RecordingFilter;
  onRemove: (name: keyof RecordingFilter) => void;
  onClear: () => void;
}

/** What is filtered by, wherever the field for it is hidden; each can be taken away. */
function FilterChips({ filter, onRemove, onClear }: FilterChipsProps): ReactNode {
  const set = (Object.keys(CHIP_NAMES) as (keyof typeof CHIP_NAMES)[]).filter(
    (name) => filter[name] !== undefined,
  );
  if (set.length === 0) return null;
  return (
    <ul className="chips" aria-label="Filters in use">
      {set.map((name) => (
        <li key={name} className="chip">
          <span className="muted">{CHIP_NAMES[name]}</span>
          <span className="chip-value">{chipValue(name, filter)}</span>
          <button
            type="button"
            aria-label={`Remove the filter ${CHIP_NAMES[name]}`}
            onClick={() => onRemove(name)}
          >
            <X size={14} aria-hidden="true" />
          </button>
        </li>
      ))}
      <li>
        <button type="button" className="button button-small button-quiet" onClick={onClear}>
          Clear all
        </button>
      </li>
    </ul>
  );
}

function chipValue(name: keyof RecordingFilter, filter: RecordingFilter): string {
  if (name === "from" || name === "to") return localTime(filter[name] ?? "");
  if (name === "finding") {
    return filter.finding === undefined || filter.finding === "any"
      ? "any"
      : FINDING_WORDS[filter.finding].title;
  }
  return filter[name] ?? "";
}
