/** What was measured against what was asked for. */
export interface Target {
  what: string;
  measured: string;
  wanted: string;
  isMet: boolean;
}

/** Says so on the terminal, and gives the same in Markdown for the results. A miss never fails the run. */
export function reportTargets(targets: readonly Target[]): string {
  const lines = targets.map(
    ({ what, measured, wanted, isMet }) =>
      `${isMet ? "Target met" : "TARGET MISSED"}: ${what}: ${measured} (wanted: ${wanted}).`,
  );
  for (const line of lines) console.log(line);
  return lines.map((line) => `- ${line}`).join("\n");
}
