import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { z } from "zod";
import { ASSUMED, RATES, planFor, rateOfPostgres } from "./scaling-model.ts";
import type { Plan, ScalingFigures } from "./scaling-model.ts";

const figure = z.coerce.number().positive();
const figuresSchema: z.ZodType<ScalingFigures> = z.strictObject({
  ingressUs: figure,
  redisTakeInUs: figure,
  redisSettleUs: figure,
  redisWaitingBytes: figure,
  workerUs: figure,
  postgresUs: figure,
  walBytes: figure,
  walFsyncs: figure,
  storedBytes: figure,
  ingressRedisConnections: figure,
  workerRedisConnections: figure,
  spoolBytes: figure,
});

const PAGE = new URL("../../../docs/scaling.md", import.meta.url);
const RESULTS = new URL("../../../bench/results.md", import.meta.url);

/** Cores of one machine, beyond which a larger one is hard to find. */
const LARGEST_POSTGRES_CORES = 64;

/**
 * The figures and the arithmetic of the page are made from what the benchmarks wrote. After they were run again:
 * `npx vitest run tools/docs --update`.
 */
it("docs/scaling.md computes with what the benchmarks measured", async () => {
  const lines = figureLines(readFileSync(RESULTS, "utf8"));
  const figures = figuresSchema.parse(
    Object.fromEntries(lines.map(([name = "", value]) => [name.replaceAll("`", ""), value])),
  );
  const parts: Record<string, string> = {
    figures: table(["figure", "value", "unit", "of what", "measured by"], lines),
    plans: table(
      ["callbacks/s", ...RATES.map((rate) => number(rate))],
      planRows(RATES.map((rate) => planFor(rate, figures))),
    ),
    wall: `${LARGEST_POSTGRES_CORES} cores are used as planned at ${number(Math.floor(rateOfPostgres(LARGEST_POSTGRES_CORES, figures)))} callbacks a second, which write ${number(Math.round((rateOfPostgres(LARGEST_POSTGRES_CORES, figures) * figures.walBytes) / 1e6))} MB of log a second.`,
    assumed: `Planned with ${ASSUMED.usableShare * 100} % of each core, ${ASSUMED.awayS / 60} minutes of an outage, and ${ASSUMED.databasePoolSize} connections of each worker to Postgres (\`DATABASE_POOL_SIZE\`).`,
  };
  const page = Object.entries(parts).reduce(
    (text, [name, content]) => withPart(text, name, content),
    readFileSync(PAGE, "utf8"),
  );
  await expect(page).toMatchFileSnapshot(fileURLToPath(PAGE));
});

it("the plan of a rate follows from the figures", () => {
  const plan = planFor(1000, {
    ingressUs: 300,
    redisTakeInUs: 50,
    redisSettleUs: 100,
    redisWaitingBytes: 2000,
    workerUs: 601,
    postgresUs: 1200,
    walBytes: 4000,
    walFsyncs: 0.5,
    storedBytes: 3000,
    ingressRedisConnections: 1,
    workerRedisConnections: 4,
    spoolBytes: 1250,
  });
  expect(plan).toEqual({
    ratePerS: 1000,
    // 0.3 of a core, at 60 % of each.
    ingresses: 1,
    redisMasters: 1,
    // 0.601 of a core is more than the 0.6 of one.
    workers: 2,
    postgresCores: 2,
    walMegabytesPerS: 4,
    walFsyncsPerS: 500,
    diskGigabytesPerDay: 259.2,
    redisGigabytesAway: 1.8,
    spoolGigabytesAway: 1.125,
    redisConnections: 9,
    postgresConnections: 20,
  } satisfies Plan);
});

function figureLines(results: string): string[][] {
  const section = results.split(/^(?=## )/mu).find((part) => part.startsWith("## Figures of the"));
  return (section ?? "")
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

function withPart(page: string, name: string, content: string): string {
  const part = new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`, "u");
  expect(page).toMatch(part);
  return page.replace(
    part,
    (_found, before: string, after: string) => `${before}${content}\n${after}`,
  );
}

function planRows(plans: readonly Plan[]): string[][] {
  const row = (name: string, value: (plan: Plan) => number, digits = 0): string[] => [
    name,
    ...plans.map((plan) => number(value(plan), digits)),
  ];
  return [
    row("ingresses", (plan) => plan.ingresses),
    row("Redis masters", (plan) => plan.redisMasters),
    row("workers, stage 1", (plan) => plan.workers),
    row("Postgres cores", (plan) => plan.postgresCores),
    row("Postgres log (WAL), MB/s", (plan) => plan.walMegabytesPerS, 1),
    row("fsyncs of that log /s", (plan) => plan.walFsyncsPerS),
    row("Postgres disk, GB a day", (plan) => plan.diskGigabytesPerDay),
    row("Redis memory after 15 min without Postgres, GB", (plan) => plan.redisGigabytesAway, 1),
    row("spools after 15 min without Redis, GB", (plan) => plan.spoolGigabytesAway, 1),
    row("connections to each Redis master", (plan) => plan.redisConnections),
    row("connections to Postgres", (plan) => plan.postgresConnections),
  ];
}

function number(value: number, digits = 0): string {
  return value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
