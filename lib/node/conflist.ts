/**
 * The network configuration list that the daemon gives the runtime: our plugin first, then the
 * chained plugins of the settings.
 *
 * It names no range of addresses. The plugin reads them from the subnet file at each ADD, so that a
 * new PodCIDR needs no new list: runtimes read one at times of their own, and keep the old one for
 * the DEL of each pod.
 */
import { POD_ANNOTATIONS } from "../attachment.ts";
import type { SpecVersion } from "../cni/version.ts";
import { DEFAULT_SUBNET_FILES } from "../discovery/subnet_file.ts";
import { ConfigError } from "../errors.ts";
import { DEFAULT_BRIDGE } from "../pod/config.ts";
import { isObject, withoutEmpty } from "../schema.ts";
import { type ChainedPlugin, chainMembers } from "./chain.ts";
import { checkConflist } from "./check_conflist.ts";

/** What decides about a list. */
export interface ConflistOptions {
  /** Name of the network, by default `headcni`: results, stores and logs have it. */
  readonly name?: string;
  /**
   * Who makes the links of pods: we (the default), or another plugin that ours calls with the
   * addresses of the subnet file.
   */
  readonly mode?: ConflistMode;
  /**
   * Keys of our entry as the README has them, such as `mtu`. Those with empty or default values are
   * left out, so that a list says only what somebody decided.
   */
  readonly keys?: Readonly<Record<string, unknown>>;
  /**
   * In mode `delegate` the keys of the other plugin. Without a `type`, or for a bridge, those of
   * {@linkcode BRIDGE_DELEGATE} are added.
   */
  readonly delegate?: Readonly<Record<string, unknown>>;
  readonly cniPlugins?: readonly ChainedPlugin[];
  /**
   * Versions of the specification that the plugins of the chain speak, oldest first; by default
   * {@linkcode CONFLIST_VERSIONS}.
   */
  readonly versions?: readonly SpecVersion[];
}

/** Who makes the links of pods. */
export type ConflistMode = "native" | "delegate";

/** Name of the network where nothing else is configured. */
export const DEFAULT_NETWORK = "headcni";

/**
 * containerd 1.6 refuses a `cniVersion` that it does not know, and ignores `cniVersions`; containerd
 * 2 takes the highest of both, and calls STATUS from 1.1.0 on.
 */
export const CONFLIST_VERSIONS: readonly SpecVersion[] = ["1.0.0", "1.1.0"];

/** A key beside those of the specification, which runtimes ignore: it marks the list as written by us. */
export const CONFLIST_MARK = "headcni.io/managed-by";

/**
 * The bridge of mode `delegate`, both families in one key: `isDefaultGateway` includes `isGateway`
 * and gives a default route for each address. Whether it masquerades is for the subnet file to say.
 */
export const BRIDGE_DELEGATE = {
  type: "bridge",
  bridge: DEFAULT_BRIDGE,
  isDefaultGateway: true,
  hairpinMode: true,
} as const;

/**
 * The list as an object for JSON.
 * @throws ConfigError `invalid-config` with every fault of `cniPlugins`, or in the words of our plugin
 * with what it would refuse.
 */
export function planConflist(options: ConflistOptions): Record<string, unknown> {
  const { name = DEFAULT_NETWORK, versions = CONFLIST_VERSIONS } = options;
  const [oldest] = versions;
  if (!oldest) {
    throw new ConfigError(
      "incompatible-version",
      `Cannot chain the plugins of network "${name}": there is no version that all of them speak`,
    );
  }
  const members = chainMembers(options.cniPlugins ?? []);
  const conflist = {
    cniVersion: oldest,
    ...versions.length > 1 && { cniVersions: versions },
    name,
    [CONFLIST_MARK]: "headcni daemon",
    plugins: [ownEntry(options, members), ...members],
  };
  checkConflist(conflist);
  return conflist;
}

/**
 * The `versions` of a list whose plugins speak `common`: those of {@linkcode CONFLIST_VERSIONS}, or
 * for older plugins their newest.
 * @param common oldest first.
 */
export function conflistVersions(common: readonly SpecVersion[]): readonly SpecVersion[] {
  const usual = CONFLIST_VERSIONS.filter((version) => common.includes(version));
  return usual.length > 0 ? usual : common.slice(-1);
}

/** True for the text of a list that {@linkcode planConflist} made, edited or not. */
export function isOwnConflist(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && CONFLIST_MARK in value;
  } catch {
    return false;
  }
}

type Raw = Readonly<Record<string, unknown>>;

/** What our plugin does with what a runtime fills in: README, "Capabilities". */
const NATIVE_CAPABILITIES: readonly string[] = [
  "portMappings",
  "bandwidth",
  "ips",
  "mac",
  "dns",
  "ipRanges",
  POD_ANNOTATIONS,
];

/** What the reference bridge and host-local do with it. */
const DELEGATE_CAPABILITIES: readonly string[] = ["ips", "mac", "ipRanges"];

/** What our plugin takes where a key is not given, key by key. */
const DEFAULTS: Raw = {
  datapath: "bridge",
  bridge: DEFAULT_BRIDGE,
  isGateway: true,
  forceAddress: false,
  hairpinMode: true,
  promiscMode: false,
  portIsolation: false,
  ipMasq: true,
  ipMasqTailnet: true,
  mtu: 0,
  enable_ipv6: true,
  enable_network_policy: false,
  subnetFile: DEFAULT_SUBNET_FILES[0],
};

/**
 * A capability that a chained plugin has is not ours: two plugins would answer for one host port, or
 * limit one link. The chained one gets it, for somebody wrote it down.
 */
function ownEntry({ mode = "native", keys = {}, delegate = {} }: ConflistOptions, members: Raw[]) {
  const { ipam, ...decided } = decidedKeys(keys);
  const isNative = mode === "native";
  const known = isNative ? NATIVE_CAPABILITIES : DELEGATE_CAPABILITIES;
  const taken = members.flatMap(({ capabilities }) => Object.keys(Object(capabilities)));
  const capabilities = known.filter((name) => !taken.includes(name));
  return {
    type: "headcni",
    ...decided,
    ...!isNative && { delegate: fullDelegate(delegate) },
    ipam: { type: isNative ? "headcni-ipam" : "host-local", ...Object(ipam) },
    capabilities: Object.fromEntries(capabilities.map((name) => [name, true])),
  };
}

function decidedKeys(keys: Raw): Raw {
  const given = Object.entries(Object(withoutEmpty(keys)));
  return Object.fromEntries(given.filter(([key, value]) => DEFAULTS[key] !== value));
}

function fullDelegate(delegate: Raw): Raw {
  const isBridge = (delegate.type ?? BRIDGE_DELEGATE.type) === BRIDGE_DELEGATE.type;
  return isBridge ? { ...BRIDGE_DELEGATE, ...delegate } : delegate;
}
