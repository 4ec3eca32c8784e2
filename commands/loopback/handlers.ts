/**
 * The loopback plugin: containerd runs it for every pod, on `lo` of the pod's namespace. It keeps
 * no state; bringing the link up makes the kernel give it its addresses.
 */
import type { Handlers } from "../../lib/cni/protocol.ts";
import type { Request } from "../../lib/cni/request.ts";
import type { Result } from "../../lib/cni/result.ts";
import { ConfigError, HeadcniError } from "../../lib/errors.ts";
import type { Host } from "../../lib/host/host.ts";
import { formatMac } from "../../lib/net/mac.ts";
import { equalPrefixes, type Prefix } from "../../lib/net/prefix.ts";
import { openHost } from "../../lib/platform.ts";
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
  const open = ({ netns }: Request) => openHost({ netns, allowOwnNetns: context.allowOwnNetns });
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
  requireLoopback(request);
  using host = open(request);
  host.apply({ kind: "set-link", place: "pod", name: LOOPBACK, up: true });
  return request.config.prevResult ?? observe(host, request.netns);
}

function check(request: Request, open: OpenHost): void {
  requireLoopback(request);
  using host = open(request);
  const isUp = host.findLink("pod", LOOPBACK)?.up;
  if (isUp && presentPrefixes(host).some(({ address }) => address.family === 4)) return;
  throw new HeadcniError(
    "check-failure",
    `Cannot confirm interface "${LOOPBACK}": ${isUp ? "127.0.0.1 is missing" : "it is down"}`,
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

function requireLoopback({ ifname }: Request): void {
  if (ifname === LOOPBACK) return;
  throw new ConfigError(
    "invalid-environment",
    `Cannot use interface "${ifname}": the loopback plugin is for "${LOOPBACK}" only`,
  );
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

function presentPrefixes(host: Host): Prefix[] {
  const index = host.findLink("pod", LOOPBACK)?.index;
  const present = host.listAddresses("pod", index);
  return LOOPBACK_PREFIXES.filter((prefix) =>
    present.some(({ address }) => equalPrefixes(address, prefix))
  );
}
