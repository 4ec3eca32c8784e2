/** Does what README says of the daemon, as far as it needs neither kernel nor root. */
import { assert, assertEquals } from "@std/assert";
import { BINARY_NAMES } from "../../lib/daemon/binaries.ts";
import { nodeApp } from "../../lib/daemon/server.ts";
import { loadSettings } from "../../lib/daemon/settings/load.ts";
import { readFlags } from "../../lib/daemon/settings/read_flags.ts";
import { podCidrPlaces } from "../../lib/discovery/pod_cidr_places.ts";
import { NODE_KUBECONFIGS } from "../../lib/kube/access.ts";
import { planConflist } from "../../lib/node/conflist.ts";
import { chapterOf, pastedFiles } from "../fakes/readme.ts";

const CHAPTER = chapterOf("The node daemon");

Deno.test("README: the settings file of the daemon's chapter is a valid one", async () => {
  const [file, ...others] = pastedFiles("The node daemon");
  assert(file);
  assertEquals([file.path, others], ["/etc/headcni/daemon.yaml", []]);
  const path = await Deno.makeTempFile({ prefix: "hct", suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, file.text);
    const { settings, warnings } = loadSettings({ line: readFlags([`--config=${path}`]), env: {} });
    assertEquals(warnings, []);
    const { plugins } = planConflist({ cniPlugins: settings.cniPlugins });
    const types = Array.isArray(plugins) ? plugins.map(({ type }) => type) : [];
    assertEquals(types, ["headcni", "portmap", "tuning"]);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("README: names the files in which the node's network is looked for, in their order", () => {
  const [, rest = ""] = CHAPTER.split("The files, strongest first:");
  const [list = ""] = rest.split("\n\n");
  const named = Array.from(list.matchAll(/`([^`]+)`/g), ([, path]) => path);
  const places = podCidrPlaces("node").map(({ path }) => path);
  assertEquals(named.map((path) => path?.replace("<node>", "node")), places);
});

Deno.test("README: names all kubeconfigs and executables of the daemon", () => {
  for (const name of [...NODE_KUBECONFIGS, ...BINARY_NAMES]) {
    assert(CHAPTER.includes(`\`${name}\``), name);
  }
});

Deno.test("README: the daemon has the paths that are named, and no others", () => {
  const app = nodeApp({
    stuck: () => [],
    health: () => ({ status: "healthy", timestamp: "", services: {}, uptime: "0s", reasons: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
    status: () => ({}),
  }, "/metrics");
  const named = Array.from(
    CHAPTER.matchAll(/^\| `(\/[a-z]+)`(?: \(`(\/[a-z]+)`\))? \|/gm),
    ([, path = "", other]) => other === undefined ? [path] : [path, other],
  );
  assertEquals(named.flat().toSorted(), app.routes.map(({ path }) => path).toSorted());
});
