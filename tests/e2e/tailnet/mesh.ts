/** A whole mesh: Headscale, nodes with tailscaled and daemon, and a pod on each. */
import { assertStringIncludes } from "@std/assert";
import { formatPolicy } from "../../../lib/mesh/policy.ts";
import { parsePrefix } from "../../../lib/net/prefix.ts";
import { missingRoot } from "../../fakes/test_unless.ts";
import type { TestDaemon } from "../../netns/daemon.ts";
import { addressesOf, bare } from "../../netns/plugin.ts";
import { findPeers } from "../peers.ts";
import {
  HeadscaleServer,
  type HeadscaleVersion,
  type ListedNode,
  openPolicy,
  TAG,
  USER,
  userIn,
} from "./headscale.ts";
import { Internet, type RouterKind } from "./internet.ts";
import { CLUSTER, MeshNode, type MeshPod } from "./node.ts";
import { until } from "./until.ts";

/** By what right routes come to be approved. */
export type Right = "auto-approvers" | "printed-policy" | "api-key" | "by-hand";

/** What mesh is made. */
export interface MeshPlan {
  readonly version?: HeadscaleVersion;
  readonly right?: Right;
  /** How many nodes; the one with the number `behindNat` is behind a router of its own. */
  readonly nodes?: number;
  readonly behindNat?: number;
  /** `home` by default. */
  readonly router?: RouterKind;
  /** `tailscale.mode` of the nodes in their order; `host` where it is absent. */
  readonly modes?: readonly string[];
  /** More settings of `tailscale`. */
  readonly tailscale?: Readonly<Record<string, unknown>>;
}

/** A node of it. */
export interface MeshMember {
  readonly node: MeshNode;
  daemon: TestDaemon;
  /** Settings of its daemon. */
  readonly settings: Record<string, unknown>;
}

/** Why no mesh can be made; empty when it can. */
export function missingMesh(version: HeadscaleVersion = "0.29.2"): string {
  return missingRoot() || findPeers("tailscale").missing ||
    findPeers(`headscale-${version}`).missing;
}

/** A mesh that runs. */
export class TestMesh implements AsyncDisposable {
  readonly internet: Internet;
  readonly headscale: HeadscaleServer;
  readonly members: readonly MeshMember[];
  readonly #owned: AsyncDisposableStack;

  private constructor(
    internet: Internet,
    headscale: HeadscaleServer,
    members: readonly MeshMember[],
    owned: AsyncDisposableStack,
  ) {
    this.internet = internet;
    this.headscale = headscale;
    this.members = members;
    this.#owned = owned;
  }

  /** Starts everything, without waiting for the tailnet. */
  static async start(plan: MeshPlan = {}): Promise<TestMesh> {
    const { version = "0.29.2", right = "auto-approvers", nodes = 2 } = plan;
    const { behindNat, router = "home", modes = [] } = plan;
    await using owned = new AsyncDisposableStack();
    const internet = owned.use(await Internet.make());
    const policy = policyOf(version, right);
    const headscale = owned.use(await HeadscaleServer.start(internet, version, policy));
    await internet.watch(CLUSTER[4], CLUSTER[6]);
    const tags = right === "printed-policy" ? [TAG] : [];
    const key = right === "api-key"
      ? await headscale.makeApiKey()
      : await headscale.makeAuthKey({ tags });
    const members: MeshMember[] = [];
    for (let number = 1; number <= nodes; number++) {
      const mode = modes[number - 1] ?? "host";
      const options = {
        number,
        router: number === behindNat ? router : undefined,
        hasSystemd: mode !== "host",
      };
      const node = owned.use(await MeshNode.make(internet, headscale, options));
      const settings = node.settings({
        tailscale: {
          mode,
          socket: { path: node.hostSocket },
          binary: node.tailscaled,
          // A node with tags has a key that does not expire.
          ...right === "api-key"
            ? { user: USER, tags: [] }
            : { authKeyFile: await node.keyFile("key", key) },
          ...plan.tailscale,
        },
        headscale: {
          url: headscale.url,
          caFile: headscale.caFile,
          ...right === "api-key" && { authKeyFile: await node.keyFile("api-key", key) },
        },
      });
      members.push({ node, settings, daemon: await node.startDaemon({ settings }) });
    }
    return new TestMesh(internet, headscale, members, owned.move());
  }

  /** The member with a number, from 1 on. */
  member(number: number): MeshMember {
    const member = this.members[number - 1];
    if (!member) throw new Error(`there is no node ${number}`);
    return member;
  }

  /** Waits until every daemon says that its node is ready. */
  async ready(): Promise<void> {
    for (const { daemon } of this.members) await daemon.saw({ message: "The node is ready" });
  }

  /** A pod on each node. */
  async addPods(): Promise<MeshPod[]> {
    return await Promise.all(this.members.map(({ node }) => node.addPod()));
  }

  /** The node of Headscale's that is a member. */
  async listed(number: number): Promise<ListedNode> {
    const { node } = this.member(number);
    const address = (await node.tailscale("ip", "-4")).trim();
    const nodes = await this.headscale.listNodes();
    const found = nodes.find(({ ip_addresses }) => ip_addresses.includes(address));
    if (!found) throw new Error(`Headscale knows no node with ${address}`);
    return found;
  }

  /** What everybody logged last, for a test that failed. */
  async tail(): Promise<string> {
    const nodes = this.members.map(async ({ node }) => `# ${node.name}\n${await node.tail()}`);
    return [`# headscale\n${await this.headscale.tail()}`, ...await Promise.all(nodes)].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }
}

/** The policy that a right needs; `printed-policy` is what `headcni mesh policy` prints, and no more. */
export function policyOf(version: HeadscaleVersion, right: Right): string {
  const clusterCidrs = Object.values(CLUSTER).map(parsePrefix);
  if (right === "printed-policy") return formatPolicy({ clusterCidrs, tags: [TAG] });
  if (right !== "auto-approvers") return openPolicy(version);
  const approvers = [userIn(version), TAG];
  return openPolicy(
    version,
    Object.fromEntries(Object.values(CLUSTER).map((cidr) => [cidr, approvers])),
  );
}

/** Waits until a daemon has looked again, and found its node ready: that is not said where it was so. */
export async function isReadyAgain(daemon: TestDaemon): Promise<void> {
  await daemon.saw({ message: "Turned", loop: "TailscaleService" }, daemon.lines.length);
  await until("readiness", async () => (await daemon.ask("/readyz")).status === 200);
}

/** Addresses of a pod without prefix length. */
export function ipsOf({ result }: MeshPod): string[] {
  return addressesOf(result).map(bare);
}

/** Waits until all addresses of a pod answer another pod. */
export async function pingAll(from: MeshPod, to: MeshPod): Promise<void> {
  for (const ip of ipsOf(to)) {
    const said = await until(`a ping of ${ip}`, () => from.netns.run("ping", "-c1", "-W2", ip));
    assertStringIncludes(said, "1 received");
  }
}

/** Waits until no address of a pod answers another pod. */
export async function pingNone(from: MeshPod, to: MeshPod): Promise<void> {
  for (const ip of ipsOf(to)) {
    await until(
      `no ping of ${ip}`,
      () => from.netns.run("ping", "-c1", "-W1", ip).then(() => false, () => true),
    );
  }
}
