/**
 * The loopback plugin: containerd runs it for every pod. It works on `lo` of the pod's namespace
 * whatever `CNI_IFNAME` says, for cnitool and others send the `eth0` of their other plugins. It
 * keeps no state; bringing the link up makes the kernel give it its addresses.
 */
import type { Handlers } from "../../lib/cni/protocol.ts";
import type { Request } from "../../lib/cni/request.ts";
import type { Result } from "../../lib/cni/result.ts";
import { ConfigError, HeadcniError } from "../../lib/errors.ts";
import type { Host } from "../../lib/host/host.ts";
import { formatAddress } from "../../lib/net/address.ts";
import { formatMac } from "../../lib/net/mac.ts";
import { equalPrefixes, type Prefix } from "../../lib/net/prefix.ts";
import type { PluginContext } from "../context.ts";
import { logged } from "../logged.ts";

/** The only interface that this plugin knows. */
const LOOPBACK = "lo";

/** What the kernel gives to a loopback link that comes up: 127.0.0.1/8 and ::1/128. */
const LOOPBACK_PREFIXES: readonly Prefix[] = [
  { address: { family: 4, value: 0x7f000001n }, length: 8 },
  { address: { family: 6, value: 1n }, length: 128 },
];

/** The verbs of the plugin `loopback`. */
export function loopbackHandlers(context: PluginContext): Handlers {
  const { node, allowOwnNetns } = context;
  const open = ({ netns }: Request) => node.openHost({ netns, allowOwnNetns });
  return logged(context, {
    ADD: (request) => Promise.resolve(add(request, open)),
    CHECK: (request) => Promise.resolve(check(request, open)),
    DEL: (request) => Promise.resolve(del(request, open)),
    GC: () => Promise.resolve(),
    STATUS: () => Promise.resolve(),
  });
}

type OpenHost = (request: Request) => Host;

function add(request: Request, open: OpenHost): Result {
  using host = open(request);
  host.apply({ kind: "set-link", place: "pod", name: LOOPBACK, up: true });
  return request.config.prevResult ?? observe(host, request.netns);
}

/** Needs 127.0.0.1, and ::1 where ADD found it. */
function check(request: Request, open: OpenHost): void {
  using host = open(request);
  if (!host.findLink("pod", LOOPBACK)?.up) throw checkError("it is down");
  const added = request.config.prevResult?.ips.map(({ address }) => address) ?? [];
  const wanted = LOOPBACK_PREFIXES.filter((prefix) =>
    prefix.address.family === 4 || includesPrefix(added, prefix)
  );
  const present = presentPrefixes(host);
  const missing = wanted.find((prefix) => !includesPrefix(present, prefix));
  if (missing) throw checkError(`${formatAddress(missing.address)} is missing`);
}

function checkError(seen: string): HeadcniError {
  return new HeadcniError(
    "check-failure",
    `Cannot confirm interface "${LOOPBACK}": ${seen}`,
  );
}

/** A namespace that is gone, or never was a pod's, has nothing to be taken down. */
function del(request: Request, open: OpenHost): void {
  try {
    using host = open(request);
    host.apply({ kind: "set-link", place: "pod", name: LOOPBACK, up: false });
  } catch (error) {
    if (error instanceof ConfigError && error.reason === "invalid-netns") return;
    throw error;
  }
}

/** What the kernel shows; IPv6 may be switched off. */
function observe(host: Host, netns: string): Result {
  const mac = host.findLink("pod", LOOPBACK)?.mac;
  return {
    interfaces: [{ name: LOOPBACK, ...mac && { mac: formatMac(mac) }, sandbox: netns }],
    ips: presentPrefixes(host).map((address) => ({ interface: 0, address })),
    routes: [],
    dns: {},
  };
}

/** The addresses of a loopback link that are there. */
function presentPrefixes(host: Host): Prefix[] {
  const index = host.findLink("pod", LOOPBACK)?.index;
  const present = host.listAddresses("pod", index).map(({ address }) => address);
  return LOOPBACK_PREFIXES.filter((prefix) => includesPrefix(present, prefix));
}

function includesPrefix(prefixes: readonly Prefix[], prefix: Prefix): boolean {
  return prefixes.some((each) => equalPrefixes(each, prefix));
}
