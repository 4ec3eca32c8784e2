/**
 * What older plugins left about a container in their directory, for DEL to undo. The newest wrote
 * the delegate's configuration to a file named by the container id; one before it a file per
 * finished member of a chain, and the delegate's configuration beside them.
 */
import type { Member } from "../attachment.ts";
import type { NetworkConfig } from "../cni/request.ts";
import { errorText } from "../errors.ts";
import { isObject, showValue } from "../schema.ts";
import { isOwnPlugin } from "./own_plugin.ts";

/** What could be read of it. */
export interface OlderState {
  /** In the order of ADD, all of kind `plugin`; empty when nothing was left. */
  readonly members: readonly Member[];
  /** Names of the files: they go when the members are gone. */
  readonly files: readonly string[];
  /** What nobody can read, as text for the log; its files are among `files`. */
  readonly faults: readonly string[];
}

/** True for the name of a file that an older plugin wrote about the container. */
export function isOlderStateFile(name: string, containerId: string): boolean {
  return name.startsWith(containerId) &&
    /^(?:-delegate|-plugin-[0-9]{1,6})?$/.test(name.slice(containerId.length));
}

/**
 * Reads what older plugins left. The network may have had another name: files are named by the container
 * only, and the last one to write a file was the last one to be undone.
 * @param files texts by file name; those that are not about the container are ignored.
 * @param config of today: network name and version for a configuration that has none.
 */
export function parseOlderState(
  files: ReadonlyMap<string, string>,
  config: NetworkConfig,
  containerId: string,
): OlderState {
  const entries = orderedNames([...files.keys()], containerId)
    .map((name) => readEntry(name, files.get(name) ?? ""));
  const rendered = entries.find(({ file }) => file === `${containerId}-delegate`);
  const chained = entries.filter(({ file }) => file.startsWith(`${containerId}-plugin-`));
  const alone = entries.filter((entry) => !chained.includes(entry) && entry !== rendered);
  const order = [
    ...alone,
    ...chained.map((entry) => isDelegating(entry) ? rendered ?? entry : entry),
    // Written before the ADD of a delegate that then failed: the last that was begun.
    ...rendered && !chained.some(isDelegating) ? [rendered] : [],
  ];
  const outcomes = order.map((entry) => memberOf(entry, config));
  return {
    members: outcomes.filter((outcome) => typeof outcome !== "string"),
    files: entries.map(({ file }) => file),
    faults: outcomes.filter((outcome) => typeof outcome === "string"),
  };
}

/** One file. */
interface Entry {
  readonly file: string;
  /** Undefined when it is none, which `fault` explains. */
  readonly config: Record<string, unknown> | undefined;
  readonly fault: string;
}

/** In the order of ADD: by the number of the member, which is no order of texts. */
function orderedNames(names: readonly string[], containerId: string): string[] {
  const position = (name: string) => Number(/-plugin-([0-9]+)$/.exec(name)?.[1] ?? -1);
  return names.filter((name) => isOlderStateFile(name, containerId))
    .sort((a, b) => position(a) - position(b) || a.length - b.length);
}

function readEntry(file: string, text: string): Entry {
  const refused = (fault: string) => ({
    file,
    config: undefined,
    fault: `Cannot read "${file}" of an older plugin: ${fault}`,
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refused(errorText(error));
  }
  // A member of a chain is wrapped: {"index", "type", "config", "executed_at"}.
  const state = isObject(value) && /-plugin-[0-9]+$/.test(file) ? value : { config: value };
  if (!isObject(state.config)) return refused(`an object wanted, got ${showValue(state.config)}`);
  const config = { ...state.type !== undefined && { type: state.type }, ...state.config };
  return { file, config, fault: "" };
}

/** The older plugin rendered a delegate for an entry of its own type, and for one with `delegate`. */
function isDelegating({ config }: Entry): boolean {
  return config !== undefined && (isOwnPlugin(config.type) || config.delegate !== undefined);
}

/** The member, or why there is none. */
function memberOf({ file, config, fault }: Entry, today: NetworkConfig): Member | string {
  if (!config) return fault;
  const { type } = config;
  if (typeof type !== "string" || type === "") {
    return `Cannot use "${file}" of an older plugin: type must be text, got ${showValue(type)}`;
  }
  if (isOwnPlugin(type)) {
    return `Cannot use "${file}" of an older plugin: no configuration of its delegate was left`;
  }
  const { name, cniVersion } = config;
  return {
    kind: "plugin",
    type,
    config: {
      ...config,
      name: name || today.name,
      cniVersion: cniVersion || today.cniVersion,
    },
  };
}
