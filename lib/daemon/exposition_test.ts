import { assertEquals } from "@std/assert";
import { formatFamilies, histogramSamples } from "./exposition.ts";

Deno.test("formatFamilies: help, type, labels and numbers, escaped where they must be", () => {
  const text = formatFamilies([
    {
      name: "a_total",
      help: "Back\\slash and\nline",
      type: "counter",
      samples: [
        { labels: {}, value: 3 },
        { labels: { path: 'C:\\x "y"\nz', other: "" }, value: 1e21 },
      ],
    },
    { name: "empty", help: "nothing", type: "gauge", samples: [] },
    { name: "b", help: "odd", type: "gauge", samples: [{ labels: {}, value: NaN }] },
  ]);
  assertEquals(
    text,
    "# HELP a_total Back\\\\slash and\\nline\n# TYPE a_total counter\na_total 3\n" +
      'a_total{path="C:\\\\x \\"y\\"\\nz",other=""} 1e+21\n' +
      "# HELP b odd\n# TYPE b gauge\nb NaN\n",
  );
});

Deno.test("histogramSamples: buckets add up, the last one is the count", () => {
  const samples = histogramSamples({ network: "pods" }, [[0.1, 2], [1, 0], [Infinity, 1]], 4.5);
  const text = formatFamilies([{ name: "h", help: "x", type: "histogram", samples }]);
  assertEquals(text.split("\n").slice(2, -1), [
    'h_bucket{network="pods",le="0.1"} 2',
    'h_bucket{network="pods",le="1"} 2',
    'h_bucket{network="pods",le="+Inf"} 3',
    'h_sum{network="pods"} 4.5',
    'h_count{network="pods"} 3',
  ]);
});
