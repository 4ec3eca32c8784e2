import { assertEquals, assertThrows } from "@std/assert";
import { ClientError } from "../errors.ts";
import { counter, formatFamilies, gauge, histogramSamples } from "./exposition.ts";
import { parseExposition } from "./read_exposition.ts";

const FAMILIES = [
  counter("a_total", 'with "quotes", a \\ and\na line', [
    { labels: { network: 'x,y="1"}', other: "back\\slash\nline" }, value: 3 },
    { labels: {}, value: 1e21 },
  ]),
  gauge("b_total_seconds", "", [{ labels: {}, value: -Infinity }]),
  {
    name: "c_seconds",
    help: "a histogram",
    type: "histogram" as const,
    samples: histogramSamples({ verb: "ADD" }, [[0.1, 1], [Infinity, 2]], 1.5),
  },
];

Deno.test("parseExposition: reads back what formatFamilies wrote", () => {
  const text = formatFamilies(FAMILIES);
  const read = parseExposition(text);
  assertEquals(
    read.map(({ name, help, type }) => ({ name, help, type })),
    FAMILIES.map(({ name, help, type }) => ({ name, help, type })),
  );
  assertEquals(
    read.map(({ samples }) => samples.map(({ labels, value }) => ({ labels, value }))),
    FAMILIES.map(({ samples }) => samples.map(({ labels, value }) => ({ labels, value }))),
  );
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assertEquals(read.flatMap(({ samples }) => samples.map(({ line }) => line)), lines);
});

Deno.test("parseExposition: numbers without HELP and TYPE, and with a time", () => {
  const [family] = parseExposition("up 1 1700000000000\n\n# a comment\n");
  assertEquals(family?.samples[0]?.value, 1);
  assertEquals([family?.name, family?.type], ["up", "untyped"]);
});

Deno.test("parseExposition: what is no metric is told", () => {
  assertThrows(() => parseExposition("<html>"), ClientError, 'Cannot read the metrics: "<html>"');
});
