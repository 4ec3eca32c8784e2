import type { Endpoint } from "../../../lib/daemon/connect/reach.ts";
import type { Targets } from "../../../lib/daemon/connect/plans.ts";
import { discoverPodCidrs } from "../../../lib/daemon/discover.ts";
import { examineMesh, probeTargets } from "../../../lib/daemon/mesh/examine.ts";
import type { ProbeTarget } from "../../../lib/daemon/mesh/probe.ts";
import type { LoadedSettings } from "../../../lib/daemon/settings/settings.ts";
import { errorText } from "../../../lib/errors.ts";
import type { Environment } from "../../../lib/cni/environment.ts";
import { addOffset, type Address, tryParseAddress } from "../../../lib/net/address.ts";
import { networkOf, type Prefix } from "../../../lib/net/prefix.ts";
import { pluginContext } from "../../context.ts";

/** Targets that the command line names. */
export interface NamedTargets {
  readonly dns?: Address;
  readonly service?: Endpoint;
  readonly external?: Address | Endpoint;
}

/** Where the services of name server and API server are by the custom of kubeadm and k3s. */
const DNS_OFFSET = 10n;
const API_OFFSET = 1n;
const API_PORT = 443;

/** What there is to reach from this node: named, else found out. */
export async function findTargets(
  loaded: LoadedSettings,
  named: NamedTargets,
  env: Environment,
): Promise<Omit<Targets, "timeoutMs" | "signal">> {
  const services = serviceNetwork(loaded, env);
  const { nameservers, enabled } = loaded.settings.dns.magicDNS;
  const dns = named.dns ?? (enabled ? nameservers[0] : undefined) ??
    inNetwork(services, DNS_OFFSET);
  const api = inNetwork(services, API_OFFSET);
  return {
    remotes: await findRemotes(loaded, env),
    dns: dns ?? "network.serviceCIDR is not known; --dns names a server",
    service: named.service ?? (api ? { address: api, port: API_PORT } : undefined) ??
      "network.serviceCIDR is not known; --service names one",
    external: named.external ?? "--external names an address",
  };
}

/** Reads `10.0.0.1`, `10.0.0.1:443`, `fd00::1` and `[fd00::1]:443`; undefined for anything else. */
export function parseEndpoint(text: string): Address | Endpoint | undefined {
  const bare = tryParseAddress(text);
  if (bare) return bare;
  const [, six, four, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = tryParseAddress(six ?? four ?? "");
  const port = Number(digits);
  const isOne = address && (address.family === 6) === (six !== undefined) && port > 0 &&
    port <= 65_535;
  return isOne ? { address, port } : undefined;
}

async function findRemotes(
  loaded: LoadedSettings,
  env: Environment,
): Promise<readonly ProbeTarget[] | string> {
  if (loaded.settings.tailscale.mode === "off") return "tailscale.mode is off";
  try {
    const { node } = pluginContext(env);
    const { sight, clusterCidrs } = await examineMesh(loaded, {
      root: env.HEADCNI_HOST_ROOT ?? "",
      openHost: () => node.openHost(),
      podCidrVariable: env.NODE_POD_CIDR || undefined,
      probe: false,
    });
    return sight.status ? probeTargets(sight, clusterCidrs) : sight.trouble ?? "no tailscaled";
  } catch (error) {
    return errorText(error);
  }
}

function serviceNetwork(loaded: LoadedSettings, env: Environment): Prefix | undefined {
  const { cluster } = discoverPodCidrs(loaded, {
    root: env.HEADCNI_HOST_ROOT ?? "",
    environment: env.NODE_POD_CIDR || undefined,
    apiServer: undefined,
    hostRoutes: [],
    inUse: [],
  });
  return cluster.serviceCidrs[0];
}

function inNetwork(network: Prefix | undefined, offset: bigint): Address | undefined {
  return network && addOffset(networkOf(network).address, offset);
}
