import { readSection, writeSection } from "./results-file.ts";
import { table } from "./figures.ts";

/**
 * What the model of docs/scaling.md is made of. A test of tools/docs reads the section that is written here and computes
 * the page's tables from it.
 */
const MODEL_FIGURES = {
  ingressUs: { unit: "µs of CPU", meaning: "ingress, for each callback", digits: 0 },
  redisTakeInUs: { unit: "µs of CPU", meaning: "Redis, to take a callback in", digits: 0 },
  redisSettleUs: {
    unit: "µs of CPU",
    meaning: "Redis, to hand a callback to a worker, take its end and its media job",
    digits: 0,
  },
  redisWaitingBytes: { unit: "bytes", meaning: "Redis' memory, for each waiting", digits: 0 },
  workerUs: { unit: "µs of CPU", meaning: "worker, stage 1, for each callback", digits: 0 },
  postgresUs: { unit: "µs of CPU", meaning: "Postgres, for each callback settled", digits: 0 },
  walBytes: { unit: "bytes", meaning: "Postgres' log (WAL), for each callback settled", digits: 0 },
  walFsyncs: { unit: "", meaning: "fsyncs of that log, for each callback settled", digits: 3 },
  storedBytes: { unit: "bytes", meaning: "Postgres' disk, for each recording", digits: 0 },
  ingressRedisConnections: { unit: "connections", meaning: "to Redis, of one ingress", digits: 0 },
  workerRedisConnections: {
    unit: "connections",
    meaning: "to Redis, of one worker of stage 1",
    digits: 0,
  },
  spoolBytes: { unit: "bytes", meaning: "spool, for each callback", digits: 0 },
} as const;

export interface ModelFigure {
  name: keyof typeof MODEL_FIGURES;
  value: number;
}

const TITLE = "Figures of the scaling model";

/** Puts these figures in place of the ones that were measured before; others stay as they are. */
export async function writeModelFigures(
  command: string,
  figures: readonly ModelFigure[],
): Promise<void> {
  const before = (await readSection(TITLE)).split("\n").filter((line) => line.startsWith("| `"));
  const rowOf = (name: string): string[] =>
    (before.find((line) => line.startsWith(`| \`${name}\` |`)) ?? "")
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  const rows = Object.entries(MODEL_FIGURES).flatMap(([name, { unit, meaning, digits }]) => {
    const measured = figures.find((figure) => figure.name === name);
    const row =
      measured === undefined
        ? rowOf(name)
        : [`\`${name}\``, measured.value.toFixed(digits), unit, meaning, `\`${command}\``];
    return row.length === 0 ? [] : [row];
  });
  await writeSection(
    TITLE,
    `docs/scaling.md computes with these; each was measured by the command beside it, on the machine that its section names.\n\n${table(["figure", "value", "unit", "of what", "measured by"], rows)}`,
  );
}
