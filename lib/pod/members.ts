/**
 * The plugins that one configuration of ours runs: its `delegate`, or its `plugins` in order. An
 * entry of our own type runs in this process, its delegate as a plugin.
 */
import type { Member } from "../attachment.ts";
import type { NetworkConfig } from "../cni/request.ts";
import type { SubnetFile } from "../discovery/subnet_file.ts";
import { ConfigError } from "../errors.ts";
import { isObject, showValue } from "../schema.ts";
import { delegateFaults, renderDelegate } from "./delegate.ts";
import { fillFromSubnet, isRangeless } from "./native_subnet.ts";
import { isOwnPlugin } from "./own_plugin.ts";

type Raw = Readonly<Record<string, unknown>>;

/** True when a configuration leaves work to other plugins: it has `delegate` or `plugins`. */
export function hasMembers(raw: Raw): boolean {
  return isPresent(raw.delegate) || isPresent(raw.plugins);
}

/** True when a configuration can be used only with a subnet file, members or none. */
export function needsSubnet(raw: Raw): boolean {
  if (isPresent(raw.delegate)) return true;
  if (!isPresent(raw.plugins)) return isRangeless(raw);
  return entriesOf(raw.plugins).some((entry) =>
    isObject(entry) && isOwnPlugin(entry.type) &&
    (isPresent(entry.delegate) || isRangeless(rawOfEntry(raw, entry)))
  );
}

/**
 * Refuses what no subnet file could make a plan of.
 * @throws ConfigError `invalid-config` with every fault and its index.
 */
export function requireMembers(config: NetworkConfig): void {
  const faults = faultsOf(config);
  if (faults.length === 0) return;
  throw new ConfigError(
    "invalid-config",
    `Cannot use network config "${config.name}": ${faults.join("; ")}`,
  );
}

/**
 * The members in the order of ADD; one for a delegate.
 * @param subnet may be undefined when {@linkcode needsSubnet} is false.
 * @throws ConfigError `invalid-config` with every fault and its index.
 */
export function planMembers(config: NetworkConfig, subnet: SubnetFile | undefined): Member[] {
  const { raw } = config;
  requireMembers(config);
  if (isPresent(raw.delegate)) return [delegateMember(config, raw.delegate, subnet)];
  return entriesOf(raw.plugins).filter(isObject)
    .map((entry) => memberOf(config, entry, subnet));
}

function faultsOf({ raw, ipam }: NetworkConfig): string[] {
  if (isPresent(raw.delegate)) {
    return isPresent(raw.plugins)
      ? [`"plugins" and "delegate" exclude each other; write the delegate as an entry of "plugins"`]
      : delegateFaults(raw.delegate, ipam);
  }
  if (!Array.isArray(raw.plugins)) return [`plugins must be a list, got ${showValue(raw.plugins)}`];
  if (raw.plugins.length === 0) return ["plugins must not be empty"];
  const entries = entriesOf(raw.plugins);
  const natives = entries.flatMap((entry, index) => isNative(entry) ? [`plugins.${index}`] : []);
  return [
    ...entries.flatMap((entry, index) =>
      entryFaults(raw, entry).map((fault) => `plugins.${index}: ${fault}`)
    ),
    ...natives.length > 1
      ? [`${natives.join(" and ")} are all headcni without a delegate: one interface wanted`]
      : [],
  ];
}

function entryFaults(raw: Raw, entry: unknown): string[] {
  if (!isObject(entry)) return [`an object wanted, got ${showValue(entry)}`];
  const { type, delegate } = entry;
  if (typeof type !== "string" || type === "") return [`type must be text, got ${showValue(type)}`];
  if (!isOwnPlugin(type)) return [];
  return [
    ...isPresent(entry.plugins) ? ["a chain in a chain is not possible"] : [],
    ...isPresent(delegate) ? delegateFaults(delegate, ipamOf(rawOfEntry(raw, entry))) : [],
  ];
}

function isNative(entry: unknown): boolean {
  return isObject(entry) && isOwnPlugin(entry.type) && !isPresent(entry.delegate);
}

function memberOf(
  config: NetworkConfig,
  entry: Record<string, unknown>,
  subnet: SubnetFile | undefined,
): Member {
  if (!isOwnPlugin(entry.type)) {
    const { name, cniVersion, args } = config.raw;
    const inherited = { name, ...cniVersion ? { cniVersion } : {}, ...args ? { args } : {} };
    return {
      kind: "plugin",
      type: String(entry.type),
      config: withRuntimeConfig({ ...entry, ...inherited }, config.raw.runtimeConfig),
    };
  }
  const raw = rawOfEntry(config.raw, entry);
  if (isPresent(entry.delegate)) {
    return delegateMember({ ...config, raw, ipam: ipamOf(raw) }, entry.delegate, subnet);
  }
  const isFilled = isRangeless(raw) && subnet !== undefined;
  return {
    kind: "native",
    type: String(entry.type),
    config: isFilled ? fillFromSubnet(raw, subnet) : raw,
  };
}

function delegateMember(
  config: NetworkConfig,
  delegate: unknown,
  subnet: SubnetFile | undefined,
): Member {
  if (!subnet) {
    throw new ConfigError(
      "no-pod-cidr",
      `Cannot use the delegate of network config "${config.name}": there is no subnet file`,
    );
  }
  const rendered = renderDelegate(config, delegate, subnet);
  return { kind: "plugin", type: String(rendered.type), config: rendered };
}

/** An entry of our own type as if it were a configuration by itself: its keys win. */
function rawOfEntry(raw: Raw, entry: Record<string, unknown>): Raw {
  const { plugins: _plugins, prevResult: _prevResult, capabilities: _capabilities, ...top } = raw;
  const { name, cniVersion } = top;
  const own = { ...top, ...entry, name, ...cniVersion ? { cniVersion } : {} };
  return withRuntimeConfig(
    isPresent(entry.ipam) || !isPresent(raw.ipam) ? own : { ...own, ipam: raw.ipam },
    raw.runtimeConfig,
  );
}

/**
 * With the values of those capabilities that it declares, as runtimes do it: SPEC.md section 3. One
 * that declares nothing gets all, for older versions gave all to all.
 */
function withRuntimeConfig(config: Raw, sent: unknown): Raw {
  const { runtimeConfig: _runtimeConfig, ...rest } = config;
  if (!isObject(sent)) return rest;
  const { capabilities } = config;
  const values = Object.entries(sent)
    .filter(([name]) => !isObject(capabilities) || capabilities[name] === true);
  return values.length === 0 ? rest : { ...rest, runtimeConfig: Object.fromEntries(values) };
}

function ipamOf(raw: Raw): NetworkConfig["ipam"] {
  return isObject(raw.ipam) ? raw.ipam : undefined;
}

function entriesOf(plugins: unknown): unknown[] {
  return Array.isArray(plugins) ? plugins : [];
}

/** Null and the empty text mean absent, as Go and Helm write them. */
function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}
