import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { dashboardQueries, inRepository, readDashboard, readRules } from "./deploy-files.ts";
import { metricNamesIn } from "./promql.ts";

const alerts = readRules().filter(({ alert }) => alert !== undefined);
const read = (path: string): string => readFileSync(inRepository(path), "utf8");

describe("deploy/prometheus/alerts.yml", () => {
  it.each(alerts)("$alert says what it means and where the advice is", (rule) => {
    expect(["critical", "warning", "info"]).toContain(rule.labels?.["severity"]);
    expect(rule.annotations?.["summary"]).toMatch(/.{10,}\.$/u);
    expect(rule.annotations?.["description"]).toMatch(/.{10,}\.$/u);
    expect(rule.annotations?.["runbook_url"]).toBe(
      `docs/operations.md#${rule.alert?.toLowerCase()}`,
    );
  });

  it("has a section of docs/operations.md for each, no more and no less", () => {
    const page = read("docs/operations.md");
    const sections = page.slice(page.indexOf("\n## Alerts\n")).split(/^### /mu).slice(1);
    const headings = sections.map((section) => section.split("\n", 1)[0]);
    expect(headings).toEqual(alerts.map(({ alert }) => alert));
    expect(sections.filter((section) => section.length < 150)).toEqual([]);
  });

  it("has a unit test in which each fires, and one in which it does not", () => {
    const cases = ["alerts.test.yml", "alerts-days.test.yml"].flatMap((name) =>
      z
        .object({
          tests: z.array(
            z.object({
              alert_rule_test: z.array(
                z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()).optional() }),
              ),
            }),
          ),
        })
        .parse(parse(read(`deploy/prometheus/${name}`)))
        .tests.flatMap((test) => test.alert_rule_test),
    );
    const firing = cases.filter(({ exp_alerts }) => (exp_alerts ?? []).length > 0);
    const silent = cases.filter(({ exp_alerts }) => (exp_alerts ?? []).length === 0);
    const untested = alerts.filter(
      ({ alert }) =>
        !firing.some(({ alertname }) => alertname === alert) ||
        !silent.some(({ alertname }) => alertname === alert),
    );
    expect(untested.map(({ alert }) => alert)).toEqual([]);
  });
});

describe("deploy/grafana", () => {
  it("has panels with units, of the datasource that is provisioned, beside each other", () => {
    const { panels } = readDashboard();
    const graphs = panels.filter(({ type }) => type !== "row");
    expect(graphs.length).toBeGreaterThan(20);
    const provisioned = z
      .object({ datasources: z.array(z.object({ uid: z.string() })) })
      .parse(parse(read("deploy/grafana/provisioning/datasources/prometheus.yml")));
    const uids = provisioned.datasources.map(({ uid }) => uid);
    for (const panel of graphs) {
      expect([panel.title, panel.fieldConfig?.defaults.unit]).not.toContain(undefined);
      expect(uids).toContain(panel.datasource?.uid);
      expect([panel.title, panel.targets?.length]).not.toEqual([panel.title, 0]);
    }
    const overlaps = panels.flatMap((one, index) =>
      panels
        .slice(index + 1)
        .filter(({ gridPos: other }) => {
          const { x, y, w, h } = one.gridPos;
          return (
            x < other.x + other.w && other.x < x + w && y < other.y + other.h && other.y < y + h
          );
        })
        .map((other) => [one.title, other.title]),
    );
    expect(overlaps).toEqual([]);
  });

  it("asks in PromQL", () => {
    for (const query of dashboardQueries()) expect(metricNamesIn(query)).not.toEqual([]);
  });
});

describe("the names that a query asks for", () => {
  it.each([
    ["up", ["up"]],
    ['sum by (le) (rate(a_bucket{le="up"}[5m])) / on (app) b', ["a_bucket", "b"]],
    ["rate(a[$__rate_interval] offset 1d) > 0.1 or vector(0)", ["a"]],
    ['label_replace(x:y:z, "day", "today", "", "")', ["x:y:z"]],
  ])("%s", (query, names) => {
    expect(metricNamesIn(query)).toEqual(names);
  });

  it("are none of what is no query", () => {
    expect(() => metricNamesIn("sum(rate(a[5m])")).toThrow("not PromQL");
    expect(() => metricNamesIn('{job="a"}')).toThrow("without a name");
  });
});
