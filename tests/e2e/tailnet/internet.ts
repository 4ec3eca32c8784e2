/** What lies between the nodes: one network of its own, in which every packet can be counted. */
import { TestNetns } from "../../netns/namespace.ts";

/** Headscale's address, and the nodes' way out. */
const CONTROL_ADDRESS = "192.0.2.1";
/** Prefix length of the network between the nodes. */
const LENGTH = 24;

/** What a router between a node and the others does. */
export type RouterKind = "home" | "office";

const ROUTER_TABLES: Readonly<Record<RouterKind, readonly string[]>> = {
  home: [natTable("masquerade")],
  office: [
    natTable("masquerade fully-random"),
    "table ip guard { chain pass { type filter hook forward priority filter; " +
    `meta l4proto udp ip saddr != ${CONTROL_ADDRESS} ip daddr != ${CONTROL_ADDRESS} drop; }; }`,
  ],
};

function natTable(statement: string): string {
  return "table ip nat { chain out { type nat hook postrouting priority srcnat; " +
    `oifname eth0 ${statement}; }; }`;
}

/** A namespace with a bridge that all uplinks are ports of. */
export class Internet implements AsyncDisposable {
  readonly netns: TestNetns;
  /** Of Headscale, in this namespace. */
  readonly address = CONTROL_ADDRESS;
  #last = 10;

  private constructor(netns: TestNetns) {
    this.netns = netns;
  }

  static async make(): Promise<Internet> {
    const netns = await TestNetns.make("net");
    try {
      await netns.run("ip", "link", "set", "lo", "up");
      await netns.run("ip", "link", "add", "wan", "type", "bridge");
      await netns.run("ip", "address", "add", `${CONTROL_ADDRESS}/${LENGTH}`, "dev", "wan");
      await netns.run("ip", "link", "set", "wan", "up");
      return new Internet(netns);
    } catch (error) {
      await netns[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What a command begins with that is to run in it. */
  get enter(): readonly string[] {
    return ["nsenter", `--net=${this.netns.path}`];
  }

  /** Gives a namespace the uplink `eth0`; answers its address. */
  async plug(place: TestNetns): Promise<string> {
    const address = `192.0.2.${this.#last++}`;
    const port = `p${this.#last}`;
    const peer = ["peer", "name", "eth0", "netns", place.name];
    await this.netns.run("ip", "link", "add", port, "type", "veth", ...peer);
    await this.netns.run("ip", "link", "set", port, "master", "wan", "up");
    await place.run("ip", "link", "set", "lo", "up");
    await place.run("ip", "address", "add", `${address}/${LENGTH}`, "dev", "eth0");
    await place.run("ip", "link", "set", "eth0", "up");
    await place.run("ip", "route", "add", "default", "via", CONTROL_ADDRESS);
    return address;
  }

  /**
   * Gives a namespace the uplink `eth0` behind a router that translates addresses.
   * @param router an empty namespace for the router.
   * @param kind `home` keeps ports where it can; `office` takes others for each destination, and lets
   * UDP pass to Headscale alone, so that nobody can be reached but by its relay.
   */
  async plugBehind(place: TestNetns, router: TestNetns, kind: RouterKind): Promise<void> {
    await this.plug(router);
    await router.run(
      "ip",
      "link",
      "add",
      "lan",
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      place.name,
    );
    await router.run("ip", "address", "add", "192.168.77.1/24", "dev", "lan");
    await router.run("ip", "link", "set", "lan", "up");
    await router.run("sysctl", "-qw", "net.ipv4.ip_forward=1");
    for (const table of ROUTER_TABLES[kind]) await router.run("nft", table);
    await place.run("ip", "link", "set", "lo", "up");
    await place.run("ip", "address", "add", "192.168.77.2/24", "dev", "eth0");
    await place.run("ip", "link", "set", "eth0", "up");
    await place.run("ip", "route", "add", "default", "via", "192.168.77.1");
  }

  /** Counts from now on all packets from or to these networks, whatever carries them openly. */
  async watch(...networks: readonly string[]): Promise<void> {
    const rules = networks.flatMap((network) => {
      const family = network.includes(":") ? "ip6" : "ip";
      return [
        `${family} saddr ${network} counter name pods`,
        `${family} daddr ${network} counter name pods`,
      ];
    });
    const chain = `type filter hook prerouting priority 0; ${rules.join("; ")};`;
    await this.netns.run("nft", `table bridge watch { counter pods { }; chain c { ${chain} }; }`);
    await this.netns.run("nft", `table inet watch { counter pods { }; chain c { ${chain} }; }`);
  }

  /** How many packets were counted. */
  async seen(): Promise<number> {
    const text = await this.netns.run("nft", "-j", "list", "counters");
    const objects: { readonly counter?: { readonly packets: number } }[] =
      JSON.parse(text).nftables;
    return objects.reduce((sum, { counter }) => sum + (counter?.packets ?? 0), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.netns[Symbol.asyncDispose]();
  }
}
