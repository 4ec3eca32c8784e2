/**
 * The text format of Prometheus, version 0.0.4. A client library keeps the numbers it prints; ours are
 * those of plugin calls that ended long ago and of the kernel, so only the text is left to be made.
 */

/** Kinds of metrics that we have. */
export type MetricType = "counter" | "gauge" | "histogram" | "untyped";

/** Labels by name, in the order in which they are printed. */
export type Labels = Readonly<Record<string, string>>;

/** One number of a family. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Behind the family's name, such as `_bucket`. */
  readonly suffix?: "_bucket" | "_sum" | "_count";
}

/** A metric with all of its numbers. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly samples: readonly Sample[];
}

/** A number that only grows. */
export function counter(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name, help, type: "counter", samples };
}

/** A number that goes up and down. */
export function gauge(name: string, help: string, samples: readonly Sample[]): MetricFamily {
  return { name, help, type: "gauge", samples };
}

/** What a response says that it is. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** One text of all families; one without a number is left out. */
export function formatFamilies(families: readonly MetricFamily[]): string {
  return families.filter(({ samples }) => samples.length > 0).map(formatFamily).join("");
}

/**
 * The samples of a histogram from how many observations each bucket has for itself.
 * @param counts upper bound of each bucket, ascending, and its count; the last bound is Infinity.
 */
export function histogramSamples(
  labels: Labels,
  counts: readonly (readonly [bound: number, count: number])[],
  sum: number,
): Sample[] {
  let total = 0;
  const buckets = counts.map(([bound, count]): Sample => {
    total += count;
    return { labels: { ...labels, le: formatNumber(bound) }, value: total, suffix: "_bucket" };
  });
  return [
    ...buckets,
    { labels, value: sum, suffix: "_sum" },
    { labels, value: total, suffix: "_count" },
  ];
}

function formatFamily({ name, help, type, samples }: MetricFamily): string {
  const lines = samples.map(({ suffix = "", labels, value }) =>
    `${name}${suffix}${formatLabels(labels)} ${formatNumber(value)}\n`
  );
  const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return `# HELP ${name} ${escaped}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function formatNumber(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
