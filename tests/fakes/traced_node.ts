/** A node whose boots, links, namespaces and results of the runtime a test makes up. */
import type { AttachContext } from "../../lib/attach/context.ts";
import type { Firewall } from "../../lib/attach/node.ts";
import type { AttachmentKey, PodReference } from "../../lib/attachment.ts";
import type { Host } from "../../lib/host/host.ts";
import { parseIpamConfig } from "../../lib/ipam/config.ts";
import { parseAddress } from "../../lib/net/address.ts";
import type { KernelHostPort } from "../../lib/net/host_port.ts";
import type { Link } from "../../lib/net/link.ts";
import { formatAlias, hostLinkName } from "../../lib/pod/identity.ts";
import { type Lease, reserveLease } from "../../lib/store/leases.ts";
import { openStore, type Store } from "../../lib/store/store.ts";
import { writeCachedResult } from "./cached_result.ts";
import { keyOf } from "./lease.ts";
import { listedFirewall, listedHost } from "./listed_host.ts";

/** What the runtime keeps of an attachment, where it is not what it mostly is. */
export interface FakeResult {
  readonly network?: string;
  readonly netns?: string;
  readonly ipam?: Readonly<Record<string, unknown>>;
}

/** The `ipam` section that everything is of, where nothing else is told. */
export const IPAM: Readonly<Record<string, unknown>> = {
  type: "headcni-ipam",
  subnet: "10.9.0.0/24",
  cooldown: "5m",
};

/** The node; disposing of it removes its folder. */
export class TracedNode implements AsyncDisposable {
  readonly root: string;
  /** The present boot, and how long it has lasted. */
  bootId = "boot-2";
  uptimeMs = 3_600_000;
  /** Network namespace in which we are. */
  netns = "net:[1]";
  /** Wall clock. */
  nowMs = (): number => 77;
  /** A number from 0 to below 1. */
  random = (): number => 0;
  /** Asked for by the code under test. */
  openHost = (): Host => listedHost(this.#links);
  /** What the packet filter is asked for. */
  openFirewall = (): Firewall => listedFirewall(this.hostPorts);
  /** Host ports of the packet filter. */
  readonly hostPorts: KernelHostPort[] = [];
  readonly #links: Link[] = [];

  private constructor(root: string) {
    this.root = root;
  }

  static async make(): Promise<TracedNode> {
    const node = new TracedNode(await Deno.makeTempDir({ prefix: "hct" }));
    for (const folder of [node.directory, `${node.root}/netns`]) await Deno.mkdir(folder);
    return node;
  }

  /** Of the store. */
  get directory(): string {
    return `${this.root}/store`;
  }

  get results(): string {
    return `${this.root}/results`;
  }

  /** Path of a namespace that is gone. */
  get gone(): string {
    return `${this.root}/netns/gone`;
  }

  get context(): AttachContext {
    return {
      node: {
        openHost: () => this.openHost(),
        openFirewall: () => this.openFirewall(),
        bootId: () => this.bootId,
        uptimeMs: () => this.uptimeMs,
        netns: () => this.netns,
      },
      runDirectory: `${this.root}/run`,
      resultsDirectory: this.results,
      env: {},
      dataDirectory: this.directory,
      self: [],
      allowOwnNetns: false,
      nowMs: () => this.nowMs(),
      elapsedMs: () => 30,
      random: () => this.random(),
    };
  }

  openStore(): Promise<Store> {
    return openStore({ directory: this.directory, runDirectory: `${this.root}/run` });
  }

  /** Makes a namespace; answers its path. */
  addNetns(name: string): string {
    const path = `${this.root}/netns/${name}`;
    Deno.writeTextFileSync(path, "");
    return path;
  }

  /** Makes the host's end of an attachment's link. */
  addLink(key: AttachmentKey, addresses: readonly string[], pod: PodReference = {}): void {
    this.#links.push({
      index: this.#links.length + 1,
      name: hostLinkName(key),
      alias: formatAlias(key, addresses.map(parseAddress), pod),
      mtuBytes: 1280,
      up: true,
      promiscuous: false,
      carrier: true,
      linkKind: "veth",
    });
  }

  /** Lets the runtime keep the result of an ADD. */
  async addResult(
    containerId: string,
    addresses: readonly string[],
    { network = "pods", netns = "", ipam = IPAM }: FakeResult,
  ): Promise<void> {
    const config = { cniVersion: "1.0.0", name: network, plugins: [{ type: "bridge", ipam }] };
    await writeCachedResult(this.results, keyOf(containerId, network), {
      config: JSON.stringify(config),
      netns,
      result: { cniVersion: "1.0.0", ips: addresses.map((address) => ({ address })) },
    });
  }

  /** Gives a pod an address now. */
  lease(store: Store, key: AttachmentKey, netns: string): Promise<Lease> {
    const { bootId, uptimeMs, random } = this;
    const config = parseIpamConfig({ network: key.network, ipam: IPAM });
    const request = { key, pod: {}, netns, bootId, uptimeMs, random, config, ipam: IPAM };
    const made = { nowMs: this.nowMs(), hostNetns: this.netns };
    return store.write((tx) => reserveLease(tx, { ...request, ...made }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Deno.remove(this.root, { recursive: true });
  }
}
