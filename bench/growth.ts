import { measureOperations } from "./growth-operations.ts";
import { measureReplicas, measureSettling } from "./growth-settling.ts";
import { measureWaiting } from "./growth-waiting.ts";
import type { GrowthPart } from "./growth-waiting.ts";
import { writeModelFigures } from "./model-figures.ts";
import { machine, writeSection } from "./results-file.ts";

export const GROWTH_PARTS = ["waiting", "settling", "operations", "replicas"] as const;
export type GrowthPartName = (typeof GROWTH_PARTS)[number];

export interface GrowthBenchOptions {
  parts: readonly GrowthPartName[];
  /** Numbers of callbacks that wait in Redis. */
  waiting: readonly number[];
  /** Numbers of recordings that are in the catalogue. */
  rows: readonly number[];
  replicas: readonly number[];
  /** Callbacks that one run of workers settles. */
  backlog: number;
  rounds: number;
  dataDir: string | null;
  note: string | null;
}

const WINDOW_MS = 5000;

const TITLES: Record<GrowthPartName, string> = {
  waiting: "Growth: callbacks that wait in Redis",
  settling: "Growth: settling into a full catalogue",
  operations: "Growth: what else is asked of a full catalogue",
  replicas: "Growth: workers",
};

/** What the product costs when there is much of everything. Each part is a section of its own. */
export async function benchGrowth(options: GrowthBenchOptions): Promise<void> {
  for (const part of options.parts) {
    const { text, figures } = await measure(part, options);
    const command = `npm run bench -- growth --only ${part} ${argumentsOf(part, options)}`;
    const note = options.note === null ? "" : ` ${options.note}`;
    await writeSection(
      TITLES[part],
      `\`${command}\`, ${new Date().toISOString().slice(0, 10)}, ${machine()}.${note}\n\n${text}`,
    );
    if (figures.length > 0) await writeModelFigures(command, figures);
  }
}

function measure(part: GrowthPartName, options: GrowthBenchOptions): Promise<GrowthPart> {
  switch (part) {
    case "waiting":
      return measureWaiting({ ...options, windowMs: WINDOW_MS });
    case "settling":
      return measureSettling(options);
    case "operations":
      return measureOperations(options);
    case "replicas":
      return measureReplicas(options);
    default:
      return part satisfies never;
  }
}

function argumentsOf(part: GrowthPartName, options: GrowthBenchOptions): string {
  const { waiting, rows, replicas, backlog, rounds } = options;
  const own = {
    waiting: `--waiting ${waiting.join(",")}`,
    settling: `--sizes ${rows.join(",")} --backlog ${backlog}`,
    operations: `--sizes ${rows.join(",")}`,
    replicas: `--workers ${replicas.join(",")} --backlog ${backlog}`,
  };
  return `${own[part]} --rounds ${rounds}`;
}
