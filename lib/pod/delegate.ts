/**
 * The configuration that a delegate gets: what the user wrote for it, and what the subnet file says.
 * A bridge without a name is left to the bridge plugin, which calls it `cni0`, as with flannel and
 * the newest of the older plugins; one before it took the network's name, which need not be the
 * name of an interface.
 */
import type { NetworkConfig } from "../cni/request.ts";
import type { SubnetFile } from "../discovery/subnet_file.ts";
import { ConfigError } from "../errors.ts";
import { isObject, showValue } from "../schema.ts";
import { DEFAULT_DELEGATE_TYPE, DELEGATE_IPAM_TYPE } from "./ipam_type.ts";
import { isOwnPlugin } from "./own_plugin.ts";
import { rangesOf, routesOf } from "./subnet_keys.ts";

/** IPAM plugins that read `ranges`; others have sources of their own. */
const RANGED_IPAM_TYPES: ReadonlySet<unknown> = new Set([
  "host-local",
  "headcni-ipam",
  "ipam-plugin",
]);

/** A delegate that says what it needs to say. */
interface CheckedDelegate {
  readonly type: string;
  readonly keys: Readonly<Record<string, unknown>>;
}

/**
 * The delegate's own configuration, plain JSON, without `prevResult`. The delegate keeps its keys;
 * what it does not set is: `type` bridge, `ipMasq` true unless the file says that the daemon
 * masquerades, `mtu` of the file, `isGateway` true for a bridge. Always set are `name`, `cniVersion`,
 * `runtimeConfig` and `args` as they were sent, and `ipam`: the configuration's own with the
 * addresses of the file.
 * @param delegate as sent.
 * @throws ConfigError `invalid-config` with everything that is wrong with `delegate` and `ipam`.
 */
export function renderDelegate(
  config: NetworkConfig,
  delegate: unknown,
  subnet: SubnetFile,
): Record<string, unknown> {
  const { type, keys } = checkDelegate(config, delegate);
  const { cniVersion, runtimeConfig, args } = config.raw;
  return {
    ...keys,
    ...cniVersion ? { cniVersion } : {},
    name: config.name,
    type,
    ipMasq: keys.ipMasq ?? !(subnet.ipMasq ?? false),
    ...subnet.mtuBytes !== undefined && { mtu: keys.mtu ?? subnet.mtuBytes },
    ...type === "bridge" && { isGateway: keys.isGateway ?? true },
    ...runtimeConfig ? { runtimeConfig } : {},
    ...args ? { args } : {},
    ipam: renderIpam(config, subnet),
  };
}

/**
 * What is wrong with a delegate, apart from the subnet file; empty when nothing is.
 * @param ipam of the configuration, which the delegate will get.
 */
export function delegateFaults(delegate: unknown, ipam: NetworkConfig["ipam"]): string[] {
  if (!isObject(delegate)) return [`delegate must be an object, got ${showValue(delegate)}`];
  const { type } = delegate;
  return [
    ...isTextOrAbsent(type) ? [] : [`delegate.type must be text, got ${showValue(type)}`],
    ...isOwnPlugin(type) ? [`delegate.type must not be "${type}": it would call itself`] : [],
    ...["name", "ipam"].filter((key) => key in delegate)
      .map((key) => `delegate must not contain "${key}": it'll be set by headcni`),
    ...isTextOrAbsent(ipam?.type) ? [] : [`ipam.type must be text, got ${showValue(ipam?.type)}`],
    ...isOwnPlugin(ipam?.type)
      ? [`ipam.type must not be "${ipam?.type}": it would call itself`]
      : [],
  ];
}

function checkDelegate({ name, ipam }: NetworkConfig, delegate: unknown): CheckedDelegate {
  const faults = delegateFaults(delegate, ipam);
  if (faults.length > 0 || !isObject(delegate)) {
    throw new ConfigError(
      "invalid-config",
      `Cannot use network config "${name}": ${faults.join("; ")}`,
    );
  }
  const { type } = delegate;
  return {
    type: typeof type === "string" && type !== "" ? type : DEFAULT_DELEGATE_TYPE,
    keys: delegate,
  };
}

/** Not every IPAM plugin reads `dns`: the caller sees to it that the result has it. */
function renderIpam({ ipam = {} }: NetworkConfig, subnet: SubnetFile): Record<string, unknown> {
  const type = ipam.type || DELEGATE_IPAM_TYPE;
  return {
    ...Object.keys(subnet.dns).length > 0 && { dns: subnet.dns },
    ...ipam,
    type,
    ...RANGED_IPAM_TYPES.has(type) && { ranges: rangesOf(subnet) },
    routes: routesOf(ipam.routes, subnet),
  };
}

/** Go programs write null and empty text for what they do not have. */
function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || value === null || typeof value === "string";
}
