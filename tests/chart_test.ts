import { assert, assertEquals } from "@std/assert";
import { parse as parseYaml } from "yaml";
import { VERSION } from "../lib/version.ts";
import { configSchema } from "./fakes/chart_schema.ts";

const CHART = new URL("../chart/", import.meta.url);

/** A value of the chart by its path, such as `image.tag`. */
type Values = Readonly<Record<string, unknown>>;

Deno.test("values.schema.json: config has the daemon's settings, and no others", async () => {
  const place = new URL("values.schema.json", CHART);
  const schema = JSON.parse(await Deno.readTextFile(place));
  const { config: _, ...others } = schema.properties;
  const wanted = { ...schema, properties: { ...others, config: configSchema() } };
  const text = `${JSON.stringify(wanted, null, 2)}\n`;
  if (Deno.args.includes("--update")) await Deno.writeTextFile(place, text);
  assertEquals(await Deno.readTextFile(place), text, "run it with -- --update");
});

Deno.test("chart/README.md: the table of values has each of values.yaml with its default", async () => {
  const values: Values = parseYaml(await Deno.readTextFile(new URL("values.yaml", CHART)));
  const rows = tableOf(await Deno.readTextFile(new URL("README.md", CHART)));
  for (const [path, text] of rows) assertEquals(text, JSON.stringify(valueAt(values, path)), path);
  const paths = rows.map(([path]) => path);
  const isTold = (leaf: string) =>
    paths.some((path) => leaf === path || leaf.startsWith(`${path}.`));
  assertEquals(leavesOf(values).filter((leaf) => !isTold(leaf)), []);
});

Deno.test("Chart.yaml: the chart is released with the program", async () => {
  const { version, appVersion } = parseYaml(
    await Deno.readTextFile(new URL("Chart.yaml", CHART)),
  );
  assertEquals([version, appVersion], [VERSION, VERSION]);
});

/** Path and default of each row. */
function tableOf(readme: string): [path: string, text: string][] {
  const [, table = ""] = readme.split("<!-- values: begin -->");
  const [rows = ""] = table.split("<!-- values: end -->");
  const found = Array.from(
    rows.matchAll(/^\| `([\w.]+)` \| `(.*?)` \|/gm),
    ([, path = "", text = ""]): [string, string] => [path, text],
  );
  assert(found.length > 0);
  return found;
}

function valueAt(values: unknown, path: string): unknown {
  return path.split(".").reduce(
    (value: unknown, name) => Object(value)[name],
    values,
  );
}

/** Paths of all values that have no others below them. */
function leavesOf(values: Values, prefix = ""): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    const path = prefix + name;
    const isMap = value !== null && typeof value === "object" && !Array.isArray(value);
    return isMap && Object.keys(value).length > 0 ? leavesOf({ ...value }, `${path}.`) : [path];
  });
}
