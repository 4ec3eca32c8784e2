/** A node with a bridge, two pods on it, and an outside: where host ports are called from. */
import { LinuxFirewall } from "../../lib/linux/firewall.ts";
import { parseAddress } from "../../lib/net/address.ts";
import type { HostPort, HostPortOwner, PortProtocol } from "../../lib/net/host_port.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";
import type { Datapath } from "../../lib/pod/config.ts";
import { askTeller, connectOutside, ip, tellCallers } from "./callers.ts";
import { TestNetns } from "./namespace.ts";

/** The last numbers of the pods' addresses, 10.9.0.x and fd00:9::x. */
const POD_NUMBERS = { a: 5, b: 6 } as const;

/** A namespace of the stage. */
export type Role = "node" | "outside" | keyof typeof POD_NUMBERS;

/** The namespaces; the node has 198.51.100.1 and 2001:db8:a::1 too, the outside .2 and ::2. */
export class PortStage implements AsyncDisposable {
  readonly #opened: AsyncDisposableStack;
  readonly #namespaces: Readonly<Record<Role, TestNetns>>;
  /** The node's. */
  readonly firewall: LinuxFirewall;

  private constructor(namespaces: Readonly<Record<Role, TestNetns>>, opened: AsyncDisposableStack) {
    this.#namespaces = namespaces;
    this.firewall = opened.use(namespaces.node.do(() => new LinuxFirewall()));
    this.#opened = opened.move();
  }

  /**
   * Connects them.
   * @param datapath how pods hang on the node, as ours would do it.
   */
  static async make(datapath: Datapath = "bridge"): Promise<PortStage> {
    await using opened = new AsyncDisposableStack();
    const make = async (role: string) => opened.use(await TestNetns.make(role));
    const namespaces = {
      node: await make("node"),
      outside: await make("out"),
      a: await make("a"),
      b: await make("b"),
    };
    await connectOutside(namespaces.node, namespaces.outside);
    await makeNode(namespaces.node, datapath);
    for (const role of ["a", "b"] as const) {
      const link = datapath === "bridge" ? connectByBridge : connectByRoute;
      await link(namespaces.node, namespaces[role], POD_NUMBERS[role]);
      await ip(namespaces[role], [
        "route add default via 10.9.0.1",
        "route add default via fd00:9::1",
      ]);
    }
    return new PortStage(namespaces, opened);
  }

  /** One of the namespaces. */
  at(role: Role): TestNetns {
    return this.#namespaces[role];
  }

  /** Leads a host port to port 80 of a pod. */
  map(protocol: PortProtocol, hostPort: number, pod: "a" | "b", hostIp?: string): HostPort[] {
    const number = POD_NUMBERS[pod];
    const isOf6 = hostIp?.includes(":");
    const targets = [
      ...isOf6 ? [] : [`10.9.0.${number}`],
      ...isOf6 !== false ? [`fd00:9::${number}`] : [],
    ];
    const ports = targets.map((target): HostPort => ({
      protocol,
      hostPort,
      hostIp: hostIp === undefined ? undefined : parseAddress(hostIp),
      target: parseAddress(target),
      targetPort: 80,
    }));
    this.at("node").do(() => this.firewall.ensureHostPorts(ports, ownerOf(pod)));
    return ports;
  }

  /** Takes host ports of a pod away. */
  unmap(ports: readonly HostPort[], pod: "a" | "b"): void {
    this.at("node").do(() => this.firewall.removeHostPorts(ports, ownerOf(pod).link));
  }

  /** Runs a server that tells who calls, by TCP and UDP, until the stage ends. */
  async serve(role: Role, address = "::", port = 80): Promise<void> {
    this.#opened.use(await tellCallers(this.at(role), { name: role, address, port }));
  }

  /** What a caller is told, such as `a sees 10.9.0.1`; `nothing` without an answer. */
  async call(
    from: Role,
    address: string,
    port: number,
    protocol: "tcp" | "udp" = "tcp",
  ): Promise<string> {
    return await askTeller(this.at(from), address, port, protocol);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
  }
}

/** The owner of the host ports of a pod. */
export function ownerOf(pod: "a" | "b"): HostPortOwner {
  return { link: `pod${pod}`, networks: ["10.9.0.0/24", "fd00:9::/64"].map(parsePrefix) };
}

async function makeNode(node: TestNetns, datapath: Datapath): Promise<void> {
  await ip(node, ["link set lo up"]);
  await node.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
  if (datapath === "ptp") return;
  await ip(node, ["link add br0 type bridge"]);
  await openLink(node, "br0");
  await ip(node, [
    "address add 10.9.0.1/24 dev br0",
    "address add fd00:9::1/64 dev br0 nodad",
    "link set br0 up",
  ]);
}

async function connectByBridge(node: TestNetns, pod: TestNetns, number: number): Promise<void> {
  await addLink(node, pod, number);
  await ip(node, [
    `link set pod${number} master br0 up`,
    `link set pod${number} type bridge_slave hairpin on`,
  ]);
  await ip(pod, [
    `address add 10.9.0.${number}/24 dev eth0`,
    `address add fd00:9::${number}/64 dev eth0 nodad`,
    "link set eth0 up",
  ]);
}

async function connectByRoute(node: TestNetns, pod: TestNetns, number: number): Promise<void> {
  await addLink(node, pod, number);
  await openLink(node, `pod${number}`);
  await ip(node, [
    `address add 10.9.0.1/32 dev pod${number}`,
    `address add fd00:9::1/128 dev pod${number} nodad`,
    `link set pod${number} up`,
    `route add 10.9.0.${number}/32 dev pod${number}`,
    `route add fd00:9::${number}/128 dev pod${number}`,
  ]);
  await ip(pod, [
    `address add 10.9.0.${number}/32 dev eth0`,
    `address add fd00:9::${number}/128 dev eth0 nodad`,
    "link set eth0 up",
    "route add 10.9.0.1/32 dev eth0",
    "route add fd00:9::1/128 dev eth0",
  ]);
}

async function addLink(node: TestNetns, pod: TestNetns, number: number): Promise<void> {
  const peer = `peer name eth0 netns ${pod.name}`;
  await ip(node, [`link add pod${number} index 10${number} type veth ${peer}`]);
  await pod.run("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=0");
  await ip(pod, ["link set lo up"]);
}

/** What our steps set for the link by which pods are reached. */
async function openLink(node: TestNetns, link: string): Promise<void> {
  const values = [`ipv6.conf.${link}.accept_dad=0`, `ipv4.conf.${link}.route_localnet=1`];
  await node.run("sysctl", "-qw", ...values.map((value) => `net.${value}`));
}
