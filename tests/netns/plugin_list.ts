/** A list of plugins as libcni runs it: SPEC.md section 3. */
import { type AddResult, DEBIAN_PLUGINS, type TestNode, type TestPod } from "./plugin.ts";

/** Keys of a list that are those of each plugin, and its plugins. */
interface PluginList {
  readonly cniVersion: string;
  readonly name: string;
  readonly [key: string]: unknown;
}

/** One plugin of a list, as it is called. */
type PluginConfig = Readonly<Record<string, unknown>> & { readonly type: string };

/** Where and with what a list runs. */
export interface ListCall {
  readonly node: TestNode;
  /** A list, or the configuration of one plugin. */
  readonly list: PluginList;
  readonly pod: TestPod;
  /** What a runtime has for each capability. */
  readonly capabilities?: Readonly<Record<string, unknown>>;
  /** See `PluginCall`. */
  readonly enter?: readonly string[];
}

/** ADD of every plugin, each with the result of the one before it. */
export async function addList(call: ListCall): Promise<AddResult> {
  let result: AddResult | undefined;
  for (const config of pluginsOf(call)) {
    result = JSON.parse(await run("ADD", call, config, result));
  }
  if (!result) throw new Error(`Cannot add a list without plugins: "${call.list.name}"`);
  return result;
}

/** CHECK of those plugins that are ours. */
export async function checkList(call: ListCall, result: AddResult): Promise<void> {
  for (const config of pluginsOf(call).filter(isOurs)) await run("CHECK", call, config, result);
}

/** DEL of every plugin, the last first. */
export async function delList(call: ListCall, result: AddResult): Promise<void> {
  for (const config of pluginsOf(call).reverse()) await run("DEL", call, config, result);
}

async function run(
  verb: string,
  { node, pod, enter = [] }: ListCall,
  config: PluginConfig,
  prevResult: AddResult | undefined,
): Promise<string> {
  const plugin = isOurs(config) ? node.plugin : `${DEBIAN_PLUGINS}/${config.type}`;
  const whole = { ...config, ...prevResult && { prevResult } };
  return await node.succeed({ verb, pod, config: whole, plugin, enter });
}

function isOurs({ type }: PluginConfig): boolean {
  return type === "headcni";
}

/** Each plugin's configuration, with what it is told of the capabilities that it declares. */
function pluginsOf({ list, capabilities = {} }: ListCall): PluginConfig[] {
  const { cniVersion, name, plugins, type } = list;
  const entries: unknown[] = type === undefined && Array.isArray(plugins) ? plugins : [list];
  return entries.map((entry) => {
    const config = { ...Object(entry), cniVersion, name };
    const runtimeConfig = Object.fromEntries(
      Object.entries(capabilities).filter(([key]) => Object(config.capabilities)[key] === true),
    );
    return { ...config, ...Object.keys(runtimeConfig).length > 0 && { runtimeConfig } };
  });
}
