import type { Finding } from "@reelgate/shared/contract/media";

/** A recording of which nothing is left would otherwise be a catalogue row of megabytes. */
export const MAX_NAMED = 50;

/**
 * The first fifty findings; the last of them tells how many more there are.
 *
 * @param unnamed How many there are beyond `findings` already.
 * @param what What is with the others: "are missing".
 */
export function nameFifty(
  findings: readonly Finding[],
  unnamed: number,
  what: string,
): readonly Finding[] {
  const named = findings.slice(0, MAX_NAMED);
  const more = findings.length - named.length + unnamed;
  const last = named.at(-1);
  return last === undefined || more === 0
    ? named
    : [...named.slice(0, -1), { ...last, detail: `${last.detail} ${more} more ${what}.` }];
}
