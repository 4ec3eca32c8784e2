import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { type NodeFile, onePerFamily, parseNodeFile } from "./node_file.ts";
import type { NodeFileFormat } from "./pod_cidr_places.ts";

/** As an operator writes it, without what is empty. */
function shown(file: NodeFile): Record<string, unknown> {
  const { nodeCidrs: node, clusterCidrs: cluster, serviceCidrs: service, perNodeLengths } = file;
  const lists = Object.entries({ node, cluster, service })
    .filter(([, prefixes]) => prefixes.length > 0)
    .map(([name, prefixes]) => [name, prefixes.map(formatPrefix).join()]);
  const lengths = Object.entries(perNodeLengths).map(([family, length]) => [`/${family}`, length]);
  return Object.fromEntries([...lists, ...lengths]);
}

function refused(format: NodeFileFormat, text: string): string {
  return assertThrows(() => parseNodeFile(format, text), ConfigError).message;
}

Deno.test("parseNodeFile: every key and spelling, of one family and both", () => {
  const rows: readonly (readonly [NodeFileFormat, string, Record<string, unknown>])[] = [
    ["yaml", 'podCIDR: "10.244.1.0/24"', { node: "10.244.1.0/24" }],
    ["yaml", "podCIDR: 10.244.1.0/24\npod-cidr: 10.244.1.0/24", { node: "10.244.1.0/24" }],
    ["yaml", "podCIDR: fd00:10:0:1::/64", { node: "fd00:10:0:1::/64" }],
    ["yaml", "podCIDR: fd00::/64,10.0.0.0/24", { node: "10.0.0.0/24,fd00::/64" }],
    ["yaml", '{"podCIDR": "10.0.0.0/24"}', { node: "10.0.0.0/24" }],
    [
      "yaml",
      "kind: Node\nspec:\n  podCIDR: 10.0.0.0/24\n  podCIDRs:\n  - 10.0.0.0/24\n  - fd00::/64",
      { node: "10.0.0.0/24,fd00::/64" },
    ],
    [
      "yaml",
      "kind: InitConfiguration\n---\nkind: ClusterConfiguration\nnetworking:\n" +
      "  podSubnet: 10.244.0.0/16,fd00:10::/48\n  serviceSubnet: 10.96.0.0/12\n",
      { cluster: "10.244.0.0/16,fd00:10::/48", service: "10.96.0.0/12" },
    ],
    [
      "yaml",
      "controllerManager:\n  extraArgs:\n    node-cidr-mask-size-ipv6: '72'\n",
      { "/6": 72 },
    ],
    [
      "yaml",
      "controllerManager:\n  extraArgs:\n  - name: node-cidr-mask-size\n    value: '25'\n",
      { "/4": 25 },
    ],
    [
      "yaml",
      "cluster-cidr:\n- 10.42.0.0/16\n- fd00:42::/56\nservice-cidr+: 10.43.0.0/16\n" +
      "kube-controller-manager-arg:\n- node-cidr-mask-size-ipv4=22\nkubelet-arg: max-pods=9\n",
      { cluster: "10.42.0.0/16,fd00:42::/56", service: "10.43.0.0/16", "/4": 22 },
    ],
    [
      "yaml",
      "spec:\n  containers:\n  - command: [kube-controller-manager, --cluster-cidr=fd00::/48]\n" +
      "    args: [--node-cidr-mask-size, '64', --service-cluster-ip-range, fd01::/112]\n",
      { cluster: "fd00::/48", service: "fd01::/112", "/6": 64 },
    ],
    [
      "environment",
      'KUBELET_KUBEADM_ARGS="--pod-infra-container-image=x --pod-cidr 10.0.0.0/24"\n',
      { node: "10.0.0.0/24" },
    ],
    [
      "unit",
      "ExecStart=/usr/local/bin/k3s \\\n server \\\n\t'--cluster-cidr=10.42.0.0/16' \\\n",
      { cluster: "10.42.0.0/16" },
    ],
    ["unit", "ExecStart=/usr/local/bin/k3s agent\n", {}],
    ["yaml", "# nothing\n", {}],
    ["yaml", "podCIDR: ''\npodCIDRs:\n", {}],
  ];
  for (const [format, text, says] of rows) {
    assertEquals(shown(parseNodeFile(format, text)), says, text);
  }
});

Deno.test("parseNodeFile: one length is for the one family of the cluster, or told by its size", () => {
  const lengths = (text: string) => parseNodeFile("yaml", text).perNodeLengths;
  assertEquals(lengths("node-cidr-mask-size: 24"), { 4: 24 });
  assertEquals(lengths("node-cidr-mask-size: 64"), { 6: 64 });
  assertEquals(lengths("node-cidr-mask-size: 30\nclusterCIDR: fd00::/20"), { 6: 30 });
  assertEquals(lengths("node-cidr-mask-size: 24\nclusterCIDR: 10.0.0.0/8,fd00::/20"), {});
});

Deno.test("parseNodeFile: a broken value is told by its key, and nothing else is taken", () => {
  const rows: readonly (readonly [text: string, part: string])[] = [
    ["podCIDR: 10.244.1.0", 'podCIDR: an IP prefix wanted, got "10.244.1.0"'],
    ["podCIDR: [1]", "podCIDR: an IP prefix wanted, got 1"],
    ["podCIDR: 10.244.1.0/2", 'podCIDR: a network wanted, got "10.244.1.0/2" with host bits'],
    ["podCIDRs: [10.0.0.0/24, 10.0.1.0/24]", "one CIDR a family wanted for a node"],
    ["podCIDR: 10.0.0.0/24\npod-cidr: 10.0.1.0/24", "one CIDR a family wanted for a node"],
    ["node-cidr-mask-size: 0", "node-cidr-mask-size: a prefix length wanted"],
    ["node-cidr-mask-size: 129", "node-cidr-mask-size: a prefix length wanted"],
    ["podCIDR: 10.0.0.0/24\ncluster-cidr: x", 'cluster-cidr: an IP prefix wanted, got "x"'],
    ["podCIDR", "keys with values wanted"],
    ["podCIDR: 10.0.0.0/24\n  kind: Node\n", "no YAML: "],
    ["", "the file is empty"],
    [" \n\t\n", "the file is empty"],
    ["podCIDR: 10.0.0.0/24\0", "text wanted, got other bytes"],
    ["\x7fELF\x02", "text wanted, got other bytes"],
    ["\ufffd\ufffd", "text wanted, got other bytes"],
  ];
  for (const [text, part] of rows) {
    const message = refused("yaml", text);
    assert(message.startsWith(part), message);
  }
  assert(refused("environment", "A='--pod-cidr").includes("line 1: the quote ' is not closed"));
});

Deno.test("parseNodeFile: a file cut anywhere says what it said, less, or is refused", () => {
  const texts: readonly (readonly [NodeFileFormat, string])[] = [
    ["yaml", "podCIDR: 10.244.17.0/24\nclusterCIDR: 10.244.0.0/16,fd00:10::/48\n"],
    ["yaml", "spec:\n  podCIDRs:\n  - 10.244.17.0/24\n  - fd00:10:0:1::/64\n"],
    ["environment", 'KUBELET_KUBEADM_ARGS="--x=y --pod-cidr=10.244.17.0/24"\n'],
    ["unit", "ExecStart=k3s \\\n\t'--kubelet-arg=pod-cidr=10.244.17.0/24' \\\n"],
  ];
  for (const [format, whole] of texts) {
    const said = new Set(parseNodeFile(format, whole).nodeCidrs.map(formatPrefix));
    for (let length = 1; length < whole.length; length++) {
      let file: NodeFile;
      try {
        file = parseNodeFile(format, whole.slice(0, length));
      } catch (error) {
        assert(error instanceof ConfigError, String(error));
        continue;
      }
      for (const cidr of file.nodeCidrs) assert(said.has(formatPrefix(cidr)), whole);
    }
  }
});

Deno.test("onePerFamily: IPv4 first, and never two of one family", () => {
  const sorted = (texts: string) =>
    onePerFamily(texts.split(" ").map(parsePrefix)).map(formatPrefix);
  assertEquals(sorted("fd00::/64 10.0.0.0/24"), ["10.0.0.0/24", "fd00::/64"]);
  assertThrows(() => sorted("10.0.0.0/24 fd00::/64 10.0.1.0/24"), ConfigError, "one CIDR a family");
});
