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

/** What people read, from the root of the project. */
const DOCUMENTS = ["README.md", "README.zh.md", "chart/README.md"];

for (const document of DOCUMENTS) {
  Deno.test(`README: every link of ${document} leads to a file and a heading`, async () => {
    const links = Array.from(
      (await readDocument(document)).matchAll(/\]\(([^)#\s]*)(?:#([^)]+))?\)/g),
      ([, path = "", anchor]) => ({ path, anchor }),
    ).filter(({ path }) => !/^[a-z]+:/.test(path));
    assert(links.length > 2);
    for (const { path, anchor } of links) {
      const target = path === ""
        ? document
        : new URL(path, `file:///${document}`).pathname.slice(1);
      if (anchor === undefined) {
        await Deno.stat(new URL(`../${target}`, import.meta.url));
      } else {
        const headings = headingsOf(await readDocument(target));
        assert(headings.includes(anchor), `${document}: ${path}#${anchor}`);
      }
    }
  });
}

Deno.test("README: its translation names only settings and commands that there are", async () => {
  const text = await readDocument("README.zh.md");
  const keys = Array.from(text.matchAll(/^\| `([a-z]+\.[\w.]+)` \|/gm), ([, key]) => key);
  assert(keys.length > 10);
  const rows = formatReadmeTable();
  assertEquals(keys.filter((key) => !rows.includes(`\`${key}\``)), []);
  const scripts = Array.from(text.matchAll(/\.\/(scripts\/[\w.-]+)/g), ([, path]) => path);
  for (const script of scripts) await Deno.stat(new URL(`../${script}`, import.meta.url));
});

function readDocument(path: string): Promise<string> {
  return Deno.readTextFile(new URL(`../${path}`, import.meta.url));
}

function headingsOf(text: string): string[] {
  return Array.from(text.matchAll(/^#+ (.+)$/gm), ([, heading = ""]) => anchorOf(heading));
}

/** As forges make it: small letters, no punctuation, hyphens for spaces. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}0-9 _-]/gu, "").replaceAll(" ", "-");
}
