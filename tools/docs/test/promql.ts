import { parser } from "@prometheus-io/lezer-promql";

/** What Grafana puts into a query before Prometheus sees it. */
const GRAFANA_VARIABLES: Readonly<Record<string, string>> = { $__rate_interval: "5m" };

/** A query as Prometheus gets it. */
export function withoutVariables(expression: string): string {
  return Object.entries(GRAFANA_VARIABLES).reduce(
    (text, [variable, value]) => text.replaceAll(variable, value),
    expression,
  );
}

/**
 * The names of the metrics that a query asks for, by Prometheus' own grammar.
 *
 * @throws when it is no PromQL.
 */
export function metricNamesIn(expression: string): string[] {
  const text = withoutVariables(expression);
  const names = new Set<string>();
  parser.parse(text).iterate({
    enter(node) {
      if (node.type.isError) throw new Error(`not PromQL at ${node.from}: ${text}`);
      if (node.name === "VectorSelector") {
        const name = node.node.getChild("Identifier");
        if (name === null) throw new Error(`a selector without a name: ${text}`);
        names.add(text.slice(name.from, name.to));
      }
    },
  });
  return [...names];
}
