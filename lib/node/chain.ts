/** `cniPlugins` of the settings: plugins that the runtime calls after ours. */
import { ConfigError, errorText } from "../errors.ts";
import { isOwnPlugin } from "../pod/own_plugin.ts";
import { isObject, showValue } from "../schema.ts";

/** An entry of `cniPlugins`, as the settings and the chart have it. */
export interface ChainedPlugin {
  readonly name: string;
  readonly enabled: boolean;
  /** Plugins of a lower number are called first on ADD. */
  readonly priority: number;
  /** The plugin's own configuration, or the JSON text of it. */
  readonly config: unknown;
}

/**
 * The configurations of the enabled ones by ascending priority, those of one priority as they are
 * written.
 * @throws ConfigError `invalid-config` with every fault and the name of the entry.
 */
export function chainMembers(plugins: readonly ChainedPlugin[]): Record<string, unknown>[] {
  const faults: string[] = [];
  const members = plugins.filter(({ enabled }) => enabled)
    .toSorted((one, other) => one.priority - other.priority)
    .flatMap(({ name, config }) => {
      try {
        return [withCapability(readMember(config))];
      } catch (error) {
        faults.push(`${showValue(name)}: ${errorText(error)}`);
        return [];
      }
    });
  if (faults.length === 0) return members;
  throw new ConfigError("invalid-config", `Cannot use cniPlugins: ${faults.join("; ")}`);
}

/** Plugins that do nothing for a pod unless the runtime fills in what it wants of them. */
const NEEDED_CAPABILITIES: Readonly<Record<string, string>> = {
  bandwidth: "bandwidth",
  portmap: "portMappings",
};

function readMember(config: unknown): Record<string, unknown> {
  const value = typeof config === "string" ? parseJson(config) : config;
  if (!isObject(value)) throw new Error(`config must be an object, got ${showValue(value)}`);
  const { type } = value;
  if (typeof type !== "string" || type === "") {
    throw new Error(`config.type must be text, got ${showValue(type)}`);
  }
  if (isOwnPlugin(type)) throw new Error(`config.type must not be "${type}": it is first already`);
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`config is no JSON text: ${errorText(cause)}`, { cause });
  }
}

/** Those who write `capabilities` themselves are believed. */
function withCapability(member: Record<string, unknown>): Record<string, unknown> {
  const needed = NEEDED_CAPABILITIES[String(member.type)];
  if (!needed || "capabilities" in member) return member;
  return { ...member, capabilities: { [needed]: true } };
}
