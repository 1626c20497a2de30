/** One metric as `/metrics` shows it. */
export interface ExposedMetric {
  name: string;
  type: string;
  help: string;
  /** Of its samples, without those that every metric has. */
  labels: string[];
}

export interface Exposition {
  metrics: ExposedMetric[];
  /** Every series by name and labels, as it stands there. */
  series: Map<string, number>;
}

/** On each series: which app, and what Prometheus itself knows of histograms and summaries. */
const GENERAL_LABELS: ReadonlySet<string> = new Set(["app", "le", "quantile"]);

/** Reads the text format of Prometheus, as far as prom-client writes it. */
export function readExposition(text: string): Exposition {
  const metrics: ExposedMetric[] = [];
  const series = new Map<string, number>();
  for (const line of text.split("\n")) {
    const comment = /^# (?<kind>HELP|TYPE) (?<name>\S+) (?<rest>.*)$/u.exec(line)?.groups;
    const last = metrics.at(-1);
    if (comment?.["kind"] === "HELP") {
      metrics.push({
        name: comment["name"] ?? "",
        help: comment["rest"] ?? "",
        type: "",
        labels: [],
      });
    } else if (comment?.["kind"] === "TYPE" && last !== undefined) {
      last.type = comment["rest"] ?? "";
    } else if (line !== "" && last !== undefined) {
      const sample = /^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/u.exec(line);
      const { name, labels = "", value } = sample?.groups ?? {};
      if (name === undefined) throw new Error(`not a sample: ${line}`);
      series.set(`${name}{${labels}}`, Number(value));
      for (const [, label = ""] of labels.matchAll(/([a-zA-Z_]\w*)="(?:[^"\\]|\\.)*"/gu)) {
        if (!GENERAL_LABELS.has(label) && !last.labels.includes(label)) last.labels.push(label);
      }
    }
  }
  return { metrics, series };
}

/** Names that a query can ask for: a histogram is three series. */
export function queryableNames({ metrics }: Exposition): string[] {
  return metrics.flatMap(({ name, type }) =>
    type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
}
