/**
 * The provider's event types, for a label: its documents of callbacks for live streaming name these. Anyone who has
 * seen one callback can send any text as a type, so all others are one.
 */
const KNOWN_EVENT_TYPES: ReadonlySet<string> = new Set([
  "0",
  "1",
  "100",
  "200",
  "314",
  "315",
  "317",
  "321",
  "329",
  "330",
  "332",
  "341",
]);

/** A known type, `other`, or `none` for a body without a usable one. */
export function eventTypeLabel(eventType: string | null): string {
  if (eventType === null) return "none";
  return KNOWN_EVENT_TYPES.has(eventType) ? eventType : "other";
}
