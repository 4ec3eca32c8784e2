/** Does what README says: pastes its configurations into the IPAM plugin, and runs its commands. */
import { assert, assertEquals } from "@std/assert";
import { pastedConfigs } from "../fakes/readme.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { addressesOf, answerOf, IpamNode } from "./ipam_node.ts";
import { runProgram } from "./program.ts";
import { missingProgram } from "./shipped.ts";

/** A pod, what runtimes say of it beside the configuration, and the addresses that it must get. */
interface Pod {
  readonly id: string;
  /** `CNI_ARGS`. */
  readonly args?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  /** DEL follows at once. */
  readonly leaves?: true;
}

/** What the chapter says that pods get, by the name of the network, in the order of their ADD. */
const PODS: Readonly<Record<string, readonly Pod[]>> = {
  "one-subnet": [
    { id: "a", addresses: ["10.244.1.10/24"] },
    { id: "b", addresses: ["10.244.1.11/24"] },
  ],
  "dual-stack": [{ id: "a", addresses: ["10.244.1.250/24", "fd00:10:244:1::2/64"] }],
  "not-given": [
    { id: "a", addresses: ["10.244.1.32/24"] },
    { id: "b", args: "IP=10.244.1.20", addresses: ["10.244.1.20/24"] },
    { id: "c", args: "IP=10.244.1.77", addresses: [] },
  ],
  "next-address": [
    { id: "a", addresses: ["10.0.0.2/8"], leaves: true },
    { id: "b", addresses: ["10.0.0.3/8"] },
    { id: "c", addresses: ["10.0.0.4/8"] },
  ],
  "asking": [
    { id: "a", addresses: ["10.244.1.50/24"] },
    { id: "b", annotations: { "headcni.io/ips": "10.244.1.51" }, addresses: [] },
  ],
  "with-pools": [
    { id: "a", addresses: ["10.244.1.2/25"] },
    { id: "b", args: "K8S_POD_NAMESPACE=redis", addresses: ["10.244.1.130/26"] },
    { id: "c", annotations: { "headcni.io/pool": "edge" }, addresses: ["10.244.1.194/26"] },
    { id: "d", annotations: { "headcni.io/pool": "egde" }, addresses: [] },
  ],
  "sticky": [
    {
      id: "a",
      args: "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=db-0",
      addresses: ["10.244.1.2/24"],
      leaves: true,
    },
    { id: "b", addresses: ["10.244.1.3/24"] },
    {
      id: "c",
      args: "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=db-0",
      addresses: ["10.244.1.2/24"],
    },
  ],
};

const configs = pastedConfigs("Addresses");

Deno.test("README: the chapter on addresses has a configuration for each row of this test", () => {
  assertEquals(configs.map(({ name }) => name), Object.keys(PODS));
});

for (const config of configs) {
  testUnless(missingProgram(), `README: network "${config.name}" works when pasted`, async () => {
    await using node = await IpamNode.make();
    for (const pod of PODS[config.name] ?? []) {
      assertEquals(await call(node, "ADD", config, pod), pod.addresses, `pod ${pod.id}`);
      if (pod.leaves) await call(node, "DEL", config, pod);
    }
  });
}

for (const document of ["README.md", "README.zh.md", "chart/README.md"]) {
  Deno.test(`README: every command line of headcni in ${document} is understood`, async () => {
    const text = await Deno.readTextFile(new URL(`../../${document}`, import.meta.url));
    const lines = Array.from(
      text.matchAll(/^(?:sudo )?(?:\S*\/)?headcni ([^#>\n]+)/gm),
      ([, line = ""]) => line.trim(),
    );
    assert(lines.length > 0);
    const everywhere = (await runProgram({ args: ["--help"] })).stdout;
    for (const line of lines) {
      const { code, stdout, stderr } = await runProgram({ args: [...line.split(/ +/), "--help"] });
      assertEquals({ line, code, stderr }, { line, code: 0, stderr: "" });
      const known = `${everywhere}${stdout}`.split(/[\s,=]+/);
      const options = line.split(/ +/).filter((word) => word.startsWith("--"));
      const others = options.filter((word) => !known.includes(word.split("=")[0] ?? ""));
      assertEquals({ line, others }, { line, others: [] });
    }
  });
}

/** Answers the addresses of an ADD; none for one that failed. */
async function call(
  node: IpamNode,
  verb: "ADD" | "DEL",
  config: Record<string, unknown>,
  { id, args, annotations }: Pod,
): Promise<string[]> {
  const told = annotations && {
    runtimeConfig: { "io.kubernetes.cri.pod-annotations": annotations },
  };
  const outcome = await node.call({
    verb,
    containerId: id,
    config: { ...config, ...told },
    args: args && `IgnoreUnknown=1;${args}`,
  });
  if (verb === "DEL") assertEquals([outcome.code, outcome.stdout], [0, ""]);
  return addressesOf(answerOf(outcome));
}
