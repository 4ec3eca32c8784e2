/**
 * A network configuration as a runtime runs it: each plugin in turn, the result of one before the next;
 * SPEC.md section 3, "Execution of Network Configurations". Without cache and capabilities.
 */
import * as v from "valibot";
import { ConfigError } from "../errors.ts";
import { isObject, parseWith } from "../schema.ts";
import { callExecutable, type PluginCall } from "./call.ts";
import { findExecutable } from "./find.ts";

/** A network and where its plugins are. */
export interface NetworkList {
  readonly name: string;
  readonly cniVersion: string;
  readonly plugins: readonly PluginConfig[];
  /** `CNI_PATH`. */
  readonly path: readonly string[];
}

/** One plugin of it. */
export type PluginConfig = Readonly<Record<string, unknown>> & { readonly type: string };

/** Who is attached. */
export type ListAttachment = Omit<PluginCall["request"], "path">;

const isPlugin = (value: unknown): value is PluginConfig =>
  isObject(value) && typeof value.type === "string";

const ListSchema = v.object({
  name: v.string(),
  cniVersion: v.optional(v.string(), "0.1.0"),
  plugins: v.optional(v.array(v.custom<PluginConfig>(isPlugin, "a plugin with a type wanted"))),
});

/**
 * Reads a file that a runtime would take: a list, or a single plugin.
 * @throws ConfigError when no runtime could use it.
 */
export function parseNetworkList(text: string, file: string, path: readonly string[]): NetworkList {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError("decode-failure", `Cannot use "${file}": it is no JSON`, { cause });
  }
  const { plugins = [], ...rest } = parseWith(ListSchema, value, `"${file}"`);
  const all = plugins.length === 0 && isPlugin(value) ? [value] : plugins;
  if (all.length > 0) return { ...rest, plugins: all, path };
  throw new ConfigError("invalid-config", `Cannot use "${file}": it names no plugin`);
}

/**
 * Attaches by all plugins; answers the last one's result.
 * @throws PluginError, ClientError: then {@linkcode deleteNetwork} has to follow.
 */
export async function addNetwork(list: NetworkList, attachment: ListAttachment): Promise<unknown> {
  let result: unknown;
  for (const plugin of list.plugins) {
    result = await call(list, attachment, plugin, "ADD", result);
  }
  return result;
}

/**
 * Detaches by all plugins, the last one first, and by all of them whatever one says.
 * @param result of ADD, if there was one.
 * @throws the first failure.
 */
export async function deleteNetwork(
  list: NetworkList,
  attachment: ListAttachment,
  result?: unknown,
): Promise<void> {
  const failures: unknown[] = [];
  for (const plugin of list.plugins.toReversed()) {
    await call(list, attachment, plugin, "DEL", result).catch((error) => failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

async function call(
  { name, cniVersion, path }: NetworkList,
  attachment: ListAttachment,
  plugin: PluginConfig,
  verb: "ADD" | "DEL",
  prevResult: unknown,
): Promise<unknown> {
  const { type } = plugin;
  const previous = prevResult === undefined ? {} : { prevResult };
  const config = { ...plugin, name, cniVersion, ...previous };
  const request = { ...attachment, path };
  return await callExecutable(findExecutable(type, path), { type, verb, request, config });
}
