/** A configuration of our own datapath that gives no range, completed by the subnet file. */
import type { NetworkConfig } from "../cni/request.ts";
import { foldRuntimeConfig } from "../cni/runtime_config.ts";
import type { SubnetFile } from "../discovery/subnet_file.ts";
import { formatPrefix } from "../net/prefix.ts";
import { isObject } from "../schema.ts";
import { foreignIpamType } from "./ipam_type.ts";
import { isOwnPlugin } from "./own_plugin.ts";
import { defaultRoutesOf, rangesOf, routesOf } from "./subnet_keys.ts";

type Raw = Readonly<Record<string, unknown>>;

/** True when {@linkcode isRangeless} says so of the configuration as it was sent. */
export function lacksRange({ raw }: NetworkConfig): boolean {
  return isRangeless(raw);
}

/**
 * True when a configuration of our own datapath names no range of addresses although its IPAM, our
 * own or host-local, or none at all, needs one.
 */
export function isRangeless(raw: Raw): boolean {
  const foreign = foreignIpamType(raw);
  if (foreign !== undefined && foreign !== "host-local") return false;
  const { type, subnet, ranges, pools } = Object(raw.ipam);
  // `parsePodNetwork` refuses it, whatever a file says.
  if (isOwnPlugin(type)) return false;
  const sent = isObject(raw.runtimeConfig) ? foldRuntimeConfig(raw.runtimeConfig) : {};
  return isEmpty(subnet) && [ranges, pools, sent.ipRanges].every(isEmpty);
}

/**
 * The configuration with what the subnet file says and it does not: `ipam` with the node's ranges,
 * `pod_cidr`, `service_cidr`, `mtu`, `dns`, and the file's routes behind its own. `ipMasq` stays as
 * it is: to masquerade what the daemon masquerades, too, harms nobody, and a daemon that only says
 * so would leave the pods cut off.
 */
export function withSubnet(config: NetworkConfig, subnet: SubnetFile): NetworkConfig {
  const raw = fillFromSubnet(config.raw, subnet);
  return { ...config, raw, ipam: isObject(raw.ipam) ? raw.ipam : undefined };
}

/** {@linkcode withSubnet} of the configuration as it was sent. */
export function fillFromSubnet(raw: Raw, file: SubnetFile): Raw {
  const subnet = (raw.enable_ipv6 ?? raw.enableIPv6) === false ? withoutIpv6(file) : file;
  const ipam: Raw = isObject(raw.ipam) ? raw.ipam : {};
  const { networks, serviceCidrs, mtuBytes, dns } = subnet;
  const hasDns = [raw.dns, raw.magic_dns, ipam.dns, ipam.resolvConf].some((each) => !isEmpty(each));
  // A pod without routes of its own gets a default route; those of the file must not change that.
  const isLeftOpen = isEmpty(raw.isDefaultGateway) && isEmpty(ipam.routes);
  return {
    ...raw,
    ...isEmpty(raw.pod_cidr ?? raw.podCIDR) && { pod_cidr: networks.map(formatPrefix) },
    ...isEmpty(raw.service_cidr ?? raw.serviceCIDR) && serviceCidrs.length > 0 &&
      { service_cidr: serviceCidrs.map(formatPrefix) },
    ...isEmpty(raw.mtu) && mtuBytes !== undefined && { mtu: mtuBytes },
    ...!hasDns && Object.keys(dns).length > 0 && { dns },
    ipam: {
      ...ipam,
      type: ipam.type || "headcni-ipam",
      ranges: rangesOf(subnet),
      routes: routesOf(isLeftOpen ? defaultRoutesOf(subnet) : ipam.routes, subnet),
    },
  };
}

function withoutIpv6(subnet: SubnetFile): SubnetFile {
  return { ...subnet, subnets: subnet.subnets.filter(({ address }) => address.family === 4) };
}

/** Absent, or what Go and Helm write for it. */
function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "" ||
    (Array.isArray(value) && value.length === 0) ||
    (isObject(value) && Object.keys(value).length === 0);
}
