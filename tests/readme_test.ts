import { assert, assertEquals } from "@std/assert";
import { ERROR_CODES } from "../lib/cni/codes.ts";
import { formatMetricsTable } from "./fakes/metrics_table.ts";
import { README } from "./fakes/readme.ts";
import { formatChecksTable } from "../lib/doctor/readme_table.ts";
import { formatReadmeTable } from "../lib/daemon/settings/readme_table.ts";

const README_URL = new URL("../README.md", import.meta.url);

Deno.test("README: the table of error codes is that of lib/cni/codes.ts", () => {
  const rows = Array.from(
    README.matchAll(/^\| (\d+) \| `([a-z-]+)` \|/gm),
    ([, code, reason]) => `${code} ${reason}`,
  );
  const unused = Array.from(
    README.matchAll(/\b(\d+) \(`([a-z-]+)`\)/g),
    ([, code, reason]) => `${code} ${reason}`,
  );
  const codes = Object.entries(ERROR_CODES).map(([reason, code]) => `${code} ${reason}`);
  assertEquals([...rows, ...unused].toSorted(), codes.toSorted());
});

for (
  const [name, format] of [
    ["settings", formatReadmeTable],
    ["metrics", formatMetricsTable],
    ["checks", formatChecksTable],
  ] as const
) {
  Deno.test(`README: the table of ${name} is that of the program`, async () => {
    const readme = await Deno.readTextFile(README_URL);
    const begin = readme.indexOf("\n", readme.indexOf(`<!-- ${name}: begin;`)) + 1;
    const end = readme.indexOf(`<!-- ${name}: end -->`);
    assert(begin > 0 && end >= begin);
    const wanted = `${readme.slice(0, begin)}${format()}\n${readme.slice(end)}`;
    if (Deno.args.includes("--update")) await Deno.writeTextFile(README_URL, wanted);
    assertEquals(await Deno.readTextFile(README_URL), wanted, "run it with -- --update");
  });
}

Deno.test("README: names only tasks and scripts that are there", async () => {
  const { tasks } = JSON.parse(
    await Deno.readTextFile(new URL("../deno.json", import.meta.url)),
  ) as { tasks: Record<string, unknown> };
  for (const [, task = ""] of README.matchAll(/scripts\/deno task ([\w:]+)/g)) {
    assertEquals(task in tasks, true, `task ${task}`);
  }
  for (const [, script = ""] of README.matchAll(/\.\/(scripts\/[\w.-]+)/g)) {
    await Deno.stat(new URL(`../${script}`, import.meta.url));
  }
});

Deno.test("README: every link within it leads to a heading", () => {
  const headings = Array.from(README.matchAll(/^#+ (.+)$/gm), ([, text = ""]) => anchorOf(text));
  const links = Array.from(README.matchAll(/\]\(#([^)]+)\)/g), ([, anchor]) => anchor);
  assertEquals(links.filter((anchor) => !headings.includes(anchor ?? "")), []);
});

/** As forges make it: small letters, no punctuation, hyphens for spaces. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^a-z0-9 _-]/g, "").replaceAll(" ", "-");
}
