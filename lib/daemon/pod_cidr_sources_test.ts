import { assert, assertEquals } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";
import type { FileFinding } from "../discovery/node_file.ts";
import { podCidrPlaces } from "../discovery/pod_cidr_places.ts";
import { formatPrefix, parsePrefix, type Prefix } from "../net/prefix.ts";
import { chooseClusterNetworks } from "../node/cluster_networks.ts";
import { choosePodCidr } from "../node/pod_cidr.ts";
import { keepLastPodCidr, readLastPodCidr, readPodCidrFiles } from "./pod_cidr_sources.ts";

const TREES = fromFileUrl(new URL("../../tests/fixtures/nodes", import.meta.url));
const NODE = "node-1";

async function inFolder(run: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "hct-podcidr" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function put(root: string, path: string, content: string | Uint8Array<ArrayBuffer>): void {
  Deno.mkdirSync(join(root, dirname(path)), { recursive: true });
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  Deno.writeFileSync(join(root, path), bytes);
}

function list(prefixes: readonly Prefix[]): string {
  return prefixes.map(formatPrefix).join(" ");
}

/** What a node with these files alone knows, by opt-in or not. */
function know(files: readonly FileFinding[], mayCompute = false): Record<string, unknown> {
  const networks = chooseClusterNetworks({ base: [], serviceCidr: [], perNode: {}, files });
  const choice = choosePodCidr({
    ...networks,
    ...{ nodeName: NODE, nodeLocal: [], environment: undefined, files, apiServer: undefined },
    ...{ lastGood: undefined, mayCompute, mayUseDefault: false },
  });
  return {
    pods: "missing" in choice ? "" : list(choice.cidrs),
    from: "missing" in choice ? "" : choice.origin,
    cluster: list(networks.clusterCidrs),
    services: list(networks.serviceCidrs),
    ...networks.perNodeLengths,
  };
}

function faultsOf(findings: readonly FileFinding[]): string[] {
  return findings.flatMap((each) => "fault" in each ? [`${each.path}: ${each.fault}`] : []);
}

const ETC = "/var/lib/rancher/k3s/agent/etc";

Deno.test("readPodCidrFiles: trees of k3s, kubeadm and kubelet, of one family and both", () => {
  const trees: readonly (readonly [tree: string, knows: Record<string, unknown>])[] = [
    ["k3s-server", {
      ...{ pods: "", from: "" },
      cluster: "10.42.0.0/16 fd00:42::/56",
      services: "10.43.0.0/16 fd00:43::/112",
    }],
    ["k3s-server-config", {
      ...{ pods: "", from: "", cluster: "10.52.0.0/16", services: "10.43.0.0/16" },
      4: 22,
    }],
    ["k3s-agent", {
      pods: "fd00:42:0:7::/64",
      from: "/etc/rancher/k3s/config.yaml",
      ...{ cluster: "", services: "" },
    }],
    ["k3s-node-file", {
      pods: "10.42.1.0/24 fd00:42:0:1::/64",
      from: `${ETC}/node-node-1.yaml`,
      ...{ cluster: "", services: "" },
    }],
    ["kubeadm-control-plane", {
      ...{ pods: "", from: "", cluster: "10.244.0.0/16 fd00:10:244::/56" },
      services: "10.96.0.0/16 fd00:10:96::/112",
      4: 25,
    }],
    ["kubeadm-worker", {
      pods: "fd00:10:244:3::/64",
      from: "/etc/default/kubelet",
      ...{ cluster: "", services: "" },
    }],
    ["kubelet", {
      ...{ pods: "10.244.1.0/24", from: "/var/lib/kubelet/config.yaml" },
      ...{ cluster: "", services: "" },
    }],
    ["kubelet-cluster-cidr", {
      ...{ pods: "", from: "", cluster: "10.200.0.0/16", services: "10.32.0.0/24" },
      4: 24,
    }],
  ];
  const names = Array.from(Deno.readDirSync(TREES)).filter(({ isDirectory }) => isDirectory);
  assertEquals(trees.map(([tree]) => tree).sort(), names.map(({ name }) => name).sort());
  for (const [tree, knows] of trees) {
    const files = readPodCidrFiles(join(TREES, tree), NODE);
    assertEquals(faultsOf(files), [], tree);
    assertEquals(know(files), knows, tree);
  }
});

Deno.test("readPodCidrFiles: a cluster's CIDR gives a node's only by opt-in", () => {
  for (const tree of ["k3s-server", "kubeadm-control-plane", "kubelet-cluster-cidr"]) {
    const files = readPodCidrFiles(join(TREES, tree), NODE);
    const { pods, from, cluster } = know(files, true);
    assertEquals(from, "hash of the node's name", tree);
    assert(pods !== "" && pods !== cluster, tree);
  }
});

/** A text for each place that names the CIDR `10.9.N.0/24`, N its number from 1. */
function textFor(format: string, number: number): string {
  const cidr = `10.9.${number}.0/24`;
  if (format === "yaml") return `podCIDR: ${cidr}\n`;
  if (format === "environment") return `ARGS="--pod-cidr=${cidr}"\n`;
  return `[Service]\nExecStart=k3s \\\n  server \\\n\t'--kubelet-arg=pod-cidr=${cidr}' \\\n\n`;
}

const PLACES = podCidrPlaces(NODE).map(({ path, format }, index) => ({
  path: path.replace("*", "50-x"),
  text: textFor(format, index + 1),
  cidr: `10.9.${index + 1}.0/24`,
}));

Deno.test("readPodCidrFiles: each place alone", async () => {
  for (const { path, text, cidr } of PLACES) {
    await inFolder((root) => {
      put(root, path, text);
      const files = readPodCidrFiles(root, NODE);
      assertEquals(files.map((file) => file.path), [path]);
      assertEquals([know(files).pods, know(files).from], [cidr, path]);
    });
  }
});

Deno.test("readPodCidrFiles: all places together, then without the strongest, one by one", async () => {
  await inFolder((root) => {
    for (const { path, text } of PLACES) put(root, path, text);
    for (const { path, cidr } of PLACES) {
      const files = readPodCidrFiles(root, NODE);
      assertEquals([know(files).pods, know(files).from], [cidr, path]);
      Deno.removeSync(join(root, path));
    }
    assertEquals(readPodCidrFiles(root, NODE), []);
  });
});

Deno.test("readPodCidrFiles: of a folder the last by name is the strongest", async () => {
  await inFolder((root) => {
    put(root, "/etc/rancher/k3s/config.yaml.d/10-a.yaml", "cluster-cidr: 10.1.0.0/16\n");
    put(root, "/etc/rancher/k3s/config.yaml.d/20-b.yaml", "cluster-cidr: 10.2.0.0/16\n");
    put(root, "/etc/rancher/k3s/config.yaml.d/30-c.yaml.bak", "cluster-cidr: 10.3.0.0/16\n");
    assertEquals(know(readPodCidrFiles(root, NODE)).cluster, "10.2.0.0/16");
  });
});

Deno.test("readPodCidrFiles: each place broken in every way is told, and the next is used", async () => {
  const elf = new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 0, 0xff, 0xfe]);
  const ways: readonly (readonly [why: string, fault: RegExp, put: typeof put])[] = [
    ["empty", /the file is empty/, (root, path) => put(root, path, "")],
    ["binary", /text wanted, got other bytes/, (root, path) => put(root, path, elf)],
    ["NULs", /text wanted, got other bytes/, (root, path) => put(root, path, "\0".repeat(99))],
    [
      "huge",
      /at most 262144 bytes wanted, got 300000/,
      (root, path) => put(root, path, " ".repeat(300_000)),
    ],
    [
      "half-written",
      /with host bits|the quote " is not closed/,
      (root, path, text) => put(root, path, String(text).replace(/0\/24[^]*/, "0/2")),
    ],
    [
      "directory",
      /a file wanted, got a directory/,
      (root, path) => Deno.mkdirSync(join(root, path), { recursive: true }),
    ],
  ];
  for (const [why, fault, breakIt] of ways) {
    for (const { path, text } of PLACES) {
      await inFolder((root) => {
        breakIt(root, path, text);
        const [first, ...rest] = faultsOf(readPodCidrFiles(root, NODE));
        assertEquals(rest, []);
        assert(first?.startsWith(`${path}: `) && fault.test(first), `${why}: ${first}`);
      });
    }
  }
});

Deno.test("readPodCidrFiles: wrong indentation, an open quote, a pipe, a folder that is none", async () => {
  await inFolder(async (root) => {
    Deno.mkdirSync(join(root, "/etc/rancher/k3s"), { recursive: true });
    const pipe = join(root, "/etc/rancher/k3s/config.yaml");
    assertEquals((await new Deno.Command("mkfifo", { args: [pipe] }).output()).code, 0);
    put(root, `${ETC}/node-node-1.yaml`, "spec:\n  podCIDR: 10.0.0.0/24\n podCIDRs: []\n");
    put(root, "/etc/default/kubelet", 'ARGS="--pod-cidr=10.0.0.0/24\n');
    put(root, "/etc/rancher/k3s/config.yaml.d", "a file\n");
    put(root, "/var/lib/kubelet/config.yaml", "podCIDR: 10.244.1.0/24\n");
    const files = readPodCidrFiles(root, NODE);
    const told = faultsOf(files).join("\n");
    assert(told.includes("node-node-1.yaml: no YAML: "), told);
    assert(told.includes('/etc/default/kubelet: line 1: the quote " is not closed'), told);
    assert(told.includes("k3s/config.yaml: a file wanted, got a device or pipe"), told);
    assert(told.includes('Cannot list "/etc/rancher/k3s/config.yaml.d": '), told);
    assertEquals(know(files).pods, "10.244.1.0/24");
  });
});

Deno.test("keepLastPodCidr: there and back, with its time until it changes", async () => {
  await inFolder((folder) => {
    const path = `${folder}/pod-cidr.json`;
    const choice = (cidr: string, source: "file" | "last-good" | "computed") => ({
      ...{ cidrs: [parsePrefix(cidr)], source, origin: "/x", reasons: [] },
      isNodeLocal: source !== "computed",
    });
    assertEquals(readLastPodCidr(folder), undefined);
    const at = (day: number) => new Date(Date.UTC(2026, 0, day));
    keepLastPodCidr(folder, NODE, choice("10.0.1.0/24", "file"), at(1));
    assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
    const text = Deno.readTextFileSync(path);
    const { ino } = Deno.statSync(path);
    const kept = keepLastPodCidr(folder, NODE, choice("10.0.1.0/24", "file"), at(2));
    assertEquals(kept?.since, "2026-01-01T00:00:00.000Z");
    assertEquals(Deno.statSync(path).ino, ino);
    const last = readLastPodCidr(folder);
    assertEquals(last, kept && { says: kept });
    assertEquals(
      keepLastPodCidr(folder, NODE, choice("10.0.9.0/24", "computed"), at(3)),
      undefined,
    );
    assertEquals(keepLastPodCidr(folder, NODE, choice("10.0.1.0/24", "last-good"), at(3)), kept);
    assertEquals(Deno.readTextFileSync(path), text);
    keepLastPodCidr(folder, NODE, choice("10.0.2.0/24", "file"), at(4));
    const changed = readLastPodCidr(folder);
    assert(changed && "says" in changed);
    assertEquals(changed.says.since, "2026-01-04T00:00:00.000Z");
    assertEquals(changed.says.origin, "/x");
  });
});

Deno.test("readLastPodCidr: a broken file is told and then replaced", async () => {
  const elf = new Uint8Array([0x7f, 0x45, 0xff]);
  const texts = ["", "{", "[]", '{"version":2}', elf, " ".repeat(300_000)];
  for (const text of texts) {
    await inFolder((folder) => {
      put(folder, "pod-cidr.json", text);
      const last = readLastPodCidr(folder);
      assert(last && "fault" in last);
      assert(last.fault.startsWith(`Cannot use "${folder}/pod-cidr.json": `), last.fault);
      const choice = { cidrs: [parsePrefix("10.0.1.0/24")], origin: "/x", reasons: [] };
      keepLastPodCidr(
        folder,
        NODE,
        { ...choice, source: "file", isNodeLocal: true },
        new Date(0),
      );
      const after = readLastPodCidr(folder);
      assert(after && "says" in after);
    });
  }
});
