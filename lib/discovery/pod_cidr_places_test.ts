import { assert, assertEquals } from "@std/assert";
import { podCidrPlaces } from "./pod_cidr_places.ts";

Deno.test("podCidrPlaces: absolute, each once, with the node's name", () => {
  const paths = podCidrPlaces("node-1").map(({ path }) => path);
  assertEquals(new Set(paths).size, paths.length);
  assertEquals(paths[0], "/var/lib/rancher/k3s/agent/etc/node-node-1.yaml");
  for (const path of paths) {
    assert(path.startsWith("/") && !path.includes("<"), path);
    assert(/^[^*]*(\/\*\.[a-z]+)?$/.test(path), path);
  }
});

Deno.test("podCidrPlaces: a name that would leave the folder names no file", () => {
  const all = podCidrPlaces("a").length;
  for (const name of ["", "../x", "a/b", "A", ".", "-a", "a\0", "a".repeat(254)]) {
    assertEquals(podCidrPlaces(name).length, all - 1, name);
  }
});
