import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { dashboardQueries, inRepository } from "./deploy-files.ts";
import { withoutVariables } from "./promql.ts";

/** The set-up of `npm test` puts it there where the machine has none of its own. */
const CACHED = inRepository("node_modules/.cache/reelgate/promtool");
const PROMTOOL = existsSync(CACHED) ? CACHED : "promtool";

const folder = inRepository("deploy/prometheus");

/** Rejects with all that it printed when it does not exit with 0. */
async function promtool(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(PROMTOOL, args, { cwd: folder });
  return stdout;
}

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), "reelgate-test-promtool-"));
});
afterEach(async () => {
  await rm(scratch, { recursive: true });
});

test("promtool takes the configuration and the rules", async () => {
  expect(await promtool("check", "config", "prometheus.yml")).toContain(
    "is valid prometheus config",
  );
  expect(await promtool("check", "rules", "alerts.yml")).toMatch(/SUCCESS: \d\d rules found/u);
});

test("the unit tests of the rules pass, and would fail", async () => {
  const [minutes, days] = await Promise.all([
    promtool("test", "rules", "alerts.test.yml"),
    promtool("test", "rules", "alerts-days.test.yml"),
  ]);
  expect([minutes, days]).toEqual([
    expect.stringContaining("SUCCESS"),
    expect.stringContaining("SUCCESS"),
  ]);
  const wrong = join(scratch, "wrong.test.yml");
  await writeFile(
    wrong,
    JSON.stringify({
      rule_files: [join(folder, "alerts.yml")],
      tests: [
        {
          input_series: [{ series: 'reelgate_redis_up{app="ingress"}', values: "0x10" }],
          alert_rule_test: [{ eval_time: "5m", alertname: "ReelgateRedisDown", exp_alerts: [] }],
        },
      ],
    }),
  );
  await expect(promtool("test", "rules", wrong)).rejects.toMatchObject({
    stderr: expect.stringContaining("Redis does not answer the ingress") as string,
  });
});

test("promtool takes every query of the Grafana dashboard", async () => {
  const rules = dashboardQueries().map((query, index) => ({
    record: `panel_${index}`,
    expr: withoutVariables(query),
  }));
  const file = join(scratch, "queries.yml");
  await writeFile(file, JSON.stringify({ groups: [{ name: "queries", rules }] }));
  expect(await promtool("check", "rules", file)).toContain(`SUCCESS: ${rules.length} rules found`);
});
