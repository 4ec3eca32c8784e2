import { assertEquals, assertThrows } from "@std/assert";
import { makeRequest } from "../../tests/fakes/request.ts";
import { TracedNode } from "../../tests/fakes/traced_node.ts";
import type { NetworkConfig } from "../cni/request.ts";
import { ConfigError } from "../errors.ts";
import { formatPrefix } from "../net/prefix.ts";
import { resolveIfPossible, resolveRequest } from "./resolve.ts";

function fileOf(subnet: string): string {
  return `HEADCNI_NETWORK=10.244.0.0/16\nHEADCNI_SUBNET=${subnet}\n`;
}

async function withFiles(
  test: (resolve: (config: NetworkConfig["raw"]) => string[] | undefined, root: string) => void,
): Promise<void> {
  await using node = await TracedNode.make();
  await Deno.writeTextFile(`${node.root}/named.env`, fileOf("10.244.1.0/24"));
  await Deno.writeTextFile(`${node.root}/told.env`, fileOf("10.244.2.0/24"));
  const context = { ...node.context, env: { HEADCNI_SUBNET_FILE: `${node.root}/told.env` } };
  const resolve = (config: NetworkConfig["raw"]) =>
    resolveRequest(makeRequest("ADD", config), context).subnet?.subnets.map(formatPrefix);
  test(resolve, node.root);
}

Deno.test("resolveRequest: the file that the configuration names wins over the variable", async () => {
  await withFiles((resolve, root) => {
    assertEquals(resolve({ delegate: { type: "bridge" } }), ["10.244.2.0/24"]);
    const named = { subnetFile: `${root}/named.env` };
    assertEquals(resolve({ delegate: { type: "bridge" }, ...named }), ["10.244.1.0/24"]);
    assertEquals(resolve({ type: "headcni", ...named }), ["10.244.1.0/24"]);
  });
});

Deno.test("resolveRequest: no file is read where none is needed", async () => {
  await withFiles((resolve) => {
    const none = { subnetFile: "/nonexistent/subnet.env" };
    assertEquals(resolve({ ...none, plugins: [{ type: "one" }] }), undefined);
    assertEquals(resolve({ ...none, ipam: { subnet: "10.9.0.0/24" } }), undefined);
  });
});

Deno.test("resolveRequest: a file that is not there, or has no absolute path, is refused", async () => {
  await withFiles((resolve, root) => {
    const cases: [subnetFile: unknown, reason: string, text: string][] = [
      [`${root}/none`, "no-pod-cidr", `${root}/none`],
      ["subnet.env", "invalid-config", "an absolute path wanted"],
      [7, "invalid-config", "an absolute path wanted"],
      [root, "no-pod-cidr", "Cannot read the subnet file"],
    ];
    for (const [subnetFile, reason, text] of cases) {
      const error = assertThrows(() => resolve({ subnetFile }), ConfigError, text);
      assertEquals(error.reason, reason);
    }
  });
});

Deno.test("resolveIfPossible: members that cannot be known are none, and not ourselves", async () => {
  await using node = await TracedNode.make();
  const none = { subnetFile: "/nonexistent/subnet.env" };
  const resolve = (config: NetworkConfig["raw"]) =>
    resolveIfPossible(makeRequest("DEL", { ...none, ...config }), node.context).members;
  assertEquals(resolve({ delegate: { type: "bridge" } }), []);
  assertEquals(resolve({ type: "headcni" }), undefined);
});
