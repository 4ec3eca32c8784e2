import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FakeHeadscale } from "../../../tests/fakes/headscale_server.ts";
import { FakeTailscaled, NODE_KEY } from "../../../tests/fakes/tailscaled.ts";
import { prefixes } from "../../../tests/fakes/tailnet.ts";
import { tailnetHost } from "../../../tests/fakes/tailnet_host.ts";
import { KernelError } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { formatSubnetYaml } from "../../node/subnet_file_text.ts";
import { loadSettings } from "../settings/load.ts";
import { readFlags } from "../settings/read_flags.ts";
import { examineMesh, type MeshExamination } from "./examine.ts";
import { memoryPath, updateMemory } from "./memory_file.ts";

const CIDR = "10.244.1.0/24";
const SUBNET_FILE = formatSubnetYaml({
  ...{ nodeName: "edge-7", podCidrs: prefixes(CIDR), clusterCidrs: prefixes("10.244.0.0/16") },
  ...{ serviceCidrs: [], mtuBytes: 1280, ipMasq: true, routes: [], dns: {} },
});

/** A node of a cluster in which everybody answers. */
class Stage implements AsyncDisposable {
  readonly tailscaled: FakeTailscaled;
  readonly dataDir = Deno.makeTempDirSync({ prefix: "hct" });

  private constructor(tailscaled: FakeTailscaled) {
    this.tailscaled = tailscaled;
    tailscaled.prefs.AdvertiseRoutes = [CIDR];
  }

  static async start(): Promise<Stage> {
    return new Stage(await FakeTailscaled.start());
  }

  /** Other nodes, by their names, with what they serve. */
  addPeers(routes: Readonly<Record<string, readonly string[]>>): void {
    const peers = Object.entries(routes).map(([HostName, AllowedIPs], index) => {
      const address = `100.64.0.${index + 2}`;
      const TailscaleIPs = [address];
      return [HostName, { HostName, TailscaleIPs, AllowedIPs: [`${address}/32`, ...AllowedIPs] }];
    });
    this.tailscaled.status = { Peer: Object.fromEntries(peers) };
  }

  async examine(
    { probe = false, flags = [], accepted, openHost = () => tailnetHost(accepted) }: {
      readonly probe?: boolean;
      readonly flags?: readonly string[];
      readonly accepted?: string;
      readonly openHost?: () => Host;
    } = {},
  ): Promise<MeshExamination> {
    const line = readFlags([
      ...[`--data-dir=${this.dataDir}`, `--run-directory=${this.dataDir}`],
      `--tailscale-socket=${this.tailscaled.socket}`,
      ...[`--node-pod-cidr=${CIDR}`, "--pod-cidr=10.244.0.0/16", ...flags],
    ]);
    const env = { NODE_NAME: "edge-7" };
    return await examineMesh(loadSettings({ line, env, defaultPath: "/nonexistent" }), {
      root: this.dataDir,
      openHost,
      podCidrVariable: undefined,
      probe,
      connect: () => Promise.resolve("ECONNREFUSED"),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tailscaled[Symbol.asyncDispose]();
    await Deno.remove(this.dataDir, { recursive: true });
  }
}

function verdictOf({ conditions }: MeshExamination, id: string): string | undefined {
  return conditions.find((condition) => condition.id === id)?.verdict;
}

Deno.test("examineMesh: tells all that is known without a daemon, and changes nothing", async () => {
  await using stage = await Stage.start();
  stage.addPeers({ "edge-8": ["10.244.2.0/24"] });
  updateMemory(stage.dataDir, (memory) => ({ ...memory, advertised: prefixes("10.244.9.0/24") }));
  Deno.writeTextFileSync(`${stage.dataDir}/env.yaml`, SUBNET_FILE);
  const before = Deno.statSync(memoryPath(stage.dataDir)).mtime;
  const examined = await stage.examine({ accepted: "10.244.2.0/24" });
  assertEquals(examined.podCidrs, prefixes(`${CIDR} 10.244.9.0/24`));
  assertEquals([examined.headscale, examined.hasLeft, examined.probes], [undefined, false, []]);
  const verdicts = ["tailscaled", "routes-accepted", "forwarding", "source-accepted"]
    .map((id) => verdictOf(examined, id));
  assertEquals(verdicts, ["pass", "pass", "pass", "unknown"]);
  assertEquals(stage.tailscaled.takeTold(), []);
  assertEquals(Deno.statSync(memoryPath(stage.dataDir)).mtime, before);
});

Deno.test("examineMesh: probes pods' networks alone, neither exit nodes nor another place's office", async () => {
  await using stage = await Stage.start();
  stage.addPeers({
    "edge-8": ["10.244.2.0/24", "0.0.0.0/0", "::/0"],
    office: ["10.0.0.0/8", "10.9.9.9/32"],
  });
  const examined = await stage.examine({ probe: true });
  assertEquals(examined.probes.map(({ peer, prefix, verdict }) => ({ peer, prefix, verdict })), [
    ...prefixes("10.244.2.0/24").map((prefix) => ({ peer: "edge-8", prefix, verdict: "pass" })),
  ]);
  assertEquals(verdictOf(examined, "source-accepted"), "pass");
});

Deno.test("examineMesh: an exit node is no node of the cluster, one with a tag of ours is", async () => {
  await using stage = await Stage.start();
  stage.tailscaled.self = { Tags: ["tag:headcni"] };
  stage.addPeers({ exit: ["0.0.0.0/0"] });
  const alone = await stage.examine();
  const evidenceOf = ({ conditions }: MeshExamination) =>
    conditions.find(({ id }) => id === "routes-accepted")?.evidence;
  assertEquals(evidenceOf(alone), "no other node serves pods");
  const peer = { HostName: "edge-8", TailscaleIPs: ["100.64.0.2"], Tags: ["tag:headcni"] };
  stage.tailscaled.status = { Peer: { one: peer } };
  assertEquals(
    evidenceOf(await stage.examine()),
    "no other node serves pods that this one may see",
  );
});

Deno.test("examineMesh: Headscale is asked where there is a key, and may fail", async () => {
  await using stage = await Stage.start();
  await using headscale = new FakeHeadscale("0.29");
  const node = headscale.addNode("edge-7", CIDR);
  assertEquals(node.nodeKey, NODE_KEY);
  const path = `${stage.dataDir}/api-key`;
  await Deno.writeTextFile(path, headscale.apiKey, { mode: 0o600 });
  const flags = [`--headscale-url=${headscale.url}`, `--headscale-auth-key-file=${path}`];
  const asked = await stage.examine({ flags });
  assertEquals(asked.headscale?.node?.name, "edge-7");
  assertEquals(verdictOf(asked, "routes-served"), "fail"); // nobody approved it
  assertEquals(node.approved, []);
  headscale.takeSeen();
  headscale.next.push(() => new Response("", { status: 503 }));
  const down = await stage.examine({ flags });
  assertStringIncludes(down.headscale?.trouble ?? "", "503");
  assertEquals(headscale.takeSeen().length, 1); // for a person waits
  const broken = await stage.examine({ flags: [...flags, `--headscale-ca-file=${path}.none`] });
  assertStringIncludes(broken.headscale?.trouble ?? "", "Cannot read headscale.caFile");
});

Deno.test("examineMesh: a kernel that does not answer is told as such, and tailscaled as what it is", async () => {
  await using stage = await Stage.start();
  stage.addPeers({ "edge-8": ["10.244.2.0/24"] });
  const examined = await stage.examine({
    openHost: () => {
      throw new KernelError("socket", 1, "Cannot open netlink: EPERM");
    },
  });
  const verdicts = ["tailscaled", "device", "routes-served", "routes-accepted"]
    .map((id) => verdictOf(examined, id));
  assertEquals(verdicts, ["pass", "fail", "pass", "unknown"]);
  assertEquals(examined.reasons.length, 1);
  assertStringIncludes(examined.reasons[0] ?? "", "Cannot open netlink: EPERM");
});

Deno.test("examineMesh: what tailscaled is set to by others is told, with what it costs", async () => {
  await using stage = await Stage.start();
  assertEquals((await stage.examine()).warnings, []);
  stage.tailscaled.prefs.ExitNodeIP = "100.64.0.9";
  assertEquals((await stage.examine()).warnings, [
    'an exit node is in use ("100.64.0.9"): what pods send to the internet goes by it',
  ]);
  stage.tailscaled.prefs.ShieldsUp = true; // a condition
  const examined = await stage.examine();
  assertEquals([examined.warnings.length, verdictOf(examined, "packet-filters")], [1, "fail"]);
});

Deno.test("examineMesh: without tailscaled and the cluster's network nothing is said of masquerade", async () => {
  await using stage = await Stage.start();
  await stage.tailscaled.stop();
  const flags = ["--pod-cidr="];
  assertEquals(verdictOf(await stage.examine({ flags }), "own-addresses"), "unknown");
});

Deno.test("examineMesh: a tailscaled that is not there, or says nothing of forwarding", async () => {
  await using stage = await Stage.start();
  stage.tailscaled.answers.set("GET check-ip-forwarding", () => new Response("", { status: 404 }));
  assertEquals(verdictOf(await stage.examine(), "forwarding"), "unknown");
  await stage.tailscaled.stop();
  const examined = await stage.examine({ probe: true });
  assertEquals([examined.sight.status, verdictOf(examined, "forwarding")], [undefined, "unknown"]);
  assert(examined.reasons[0]?.includes("start tailscaled"));
});
