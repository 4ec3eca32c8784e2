/** Looks at what lies where the container runtimes look, and asks them. */
import * as v from "valibot";
import { join } from "@std/path";
import { runChild } from "../../delegate/child.ts";
import { isOwnName } from "../../delegate/find.ts";
import type { BinariesSight, ConfsSight, RuntimeView } from "../../doctor/sight.ts";
import { ClientError } from "../../errors.ts";
import { type ConfFile, isLoaded } from "../../node/conf_directory.ts";
import { isOwnPlugin } from "../../pod/own_plugin.ts";
import { isObject, parseWith } from "../../schema.ts";
import { examineBinaries } from "../binaries.ts";
import { formatConflist, readConfFiles } from "../conf_files.ts";
import { cniDirectories, runtimeConfFolders, wantedConflist } from "../node_files.ts";
import type { Settings } from "../settings/settings.ts";
import type { Scene } from "./scene.ts";

/**
 * Network configurations.
 * @throws Error of Deno when we may not read one.
 */
export function lookAtConfs({ options: { loaded, root } }: Scene): ConfsSight {
  const { settings } = loaded;
  const folders = cniDirectories(loaded, root).map(({ confDirectory, runtimes }) => ({
    directory: confDirectory,
    runtimes,
    files: readAllowed(confDirectory),
  }));
  return {
    folders,
    isExclusive: settings.cni.exclusive,
    policies: [
      ...settings.network.enableNetworkPolicy ? ["network.enableNetworkPolicy"] : [],
      ...ownEntries(folders).filter(({ entry }) => entry.enable_network_policy === true)
        .map(({ path }) => path),
    ],
    wanted: wantedText(settings),
    foundFolders: runtimeConfFolders(loaded, root),
  };
}

/** Executables, ours and those that our configuration names. */
export async function lookAtBinaries(
  { options: { loaded, root, executable } }: Scene,
): Promise<BinariesSight> {
  const directories = cniDirectories(loaded, root);
  const folders = [...new Set(directories.flatMap((each) => each.installDirectories))];
  const binaries = await Promise.all(folders.map((each) => examineBinaries(each, executable)));
  const path = [
    ...folders,
    ...directories.flatMap((each) => each.path.map((at) => join(root, at))),
  ];
  return {
    binaries: binaries.flat(),
    plugins: otherPlugins(loaded.settings).map((type) => ({
      type,
      isFound: path.some((folder) => isFile(`${folder}/${type}`)),
    })),
  };
}

const Info = v.object({
  lastCNILoadStatus: v.optional(v.string(), ""),
  status: v.optional(
    v.object({
      conditions: v.optional(
        v.array(v.object({
          type: v.string(),
          status: v.boolean(),
          reason: v.optional(v.string(), ""),
          message: v.optional(v.string(), ""),
        })),
        [],
      ),
    }),
    {},
  ),
  config: v.optional(
    v.object({
      cni: v.optional(
        v.object({
          confDir: v.optional(v.string()),
          binDir: v.optional(v.string(), ""),
          binDirs: v.optional(v.array(v.string()), []),
        }),
        {},
      ),
    }),
    {},
  ),
});

/** A runtime that answers takes it 50 ms. */
const DEADLINE_MS = 4_000;

/**
 * What the runtime says, by crictl(1).
 * @throws ClientError that tells why it cannot be asked.
 */
export async function lookAtRuntimeView(
  { options: { loaded, root, attach } }: Scene,
): Promise<RuntimeView> {
  const crictl = (attach.env.PATH ?? "").split(":").map((folder) => `${folder}/crictl`).find(
    isFile,
  );
  if (crictl === undefined) throw new ClientError("unavailable", "crictl is not installed");
  const outcome = await runChild(crictl, {
    args: ["--timeout", "3s", "info", "--output", "json"],
    env: {},
    stdin: "",
    deadlineMs: DEADLINE_MS,
  });
  if (outcome.code !== 0) {
    const seen = outcome.timedOut ? "no answer in time" : outcome.stderr.trim().split("\n").at(-1);
    throw new ClientError("unavailable", `crictl info: ${seen}`);
  }
  const info = parseWith(Info, JSON.parse(outcome.stdout), "crictl info");
  const { confDir, binDir, binDirs } = info.config.cni;
  const directories = cniDirectories(loaded, root);
  const onNode = (path: string) =>
    root !== "" && path.startsWith(root) ? path.slice(root.length) : path;
  const network = info.status.conditions.find(({ type }) => type === "NetworkReady");
  return {
    confDirectory: confDir,
    binDirectories: binDirs.length > 0 ? binDirs : [binDir],
    loadStatus: info.lastCNILoadStatus,
    notReady: !network || network.status ? "" : `${network.reason}: ${network.message}`,
    ownFolders: directories.map(({ confDirectory }) => onNode(confDirectory)),
    ownBinaries: directories.flatMap(({ installDirectories }) => installDirectories.map(onNode)),
  };
}

/** What a configuration says to one of our plugins. */
export interface OwnEntry {
  readonly path: string;
  readonly entry: Record<string, unknown>;
}

/** What configurations say to our plugins. */
export function ownEntries(folders: ConfsSight["folders"]): OwnEntry[] {
  return folders.flatMap(({ directory, files }) =>
    files.filter(({ name, isFolder }) => isLoaded(name) && !isFolder).flatMap(({ name, text }) => {
      const value = parseJson(text ?? "");
      if (!isObject(value)) return [];
      const plugins = Array.isArray(value.plugins) ? value.plugins.filter(isObject) : [];
      return [value, ...plugins].filter(({ type }) => isOwnPlugin(type))
        .map((entry) => ({ path: `${directory}/${name}`, entry }));
    })
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function wantedText(settings: Settings): ConfsSight["wanted"] {
  const name = settings.cni.conflistName;
  try {
    return { name, text: formatConflist(wantedConflist(settings)) };
  } catch {
    return undefined; // the check of the settings tells why
  }
}

/** A file that only others may read is not the same as one that nobody can. */
function readAllowed(directory: string): ConfFile[] {
  const files = readConfFiles(directory);
  for (const { name, text, isFolder } of files) {
    if (text === undefined && !isFolder) requireReadable(`${directory}/${name}`);
  }
  return files;
}

function requireReadable(path: string): void {
  try {
    // To open a pipe would wait for its writer.
    if (Deno.statSync(path).isFile) Deno.openSync(path).close();
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) throw error;
  }
}

/** Those that are run as processes of their own. */
function otherPlugins(settings: Settings): string[] {
  try {
    const { plugins } = wantedConflist(settings);
    const entries = Array.isArray(plugins) ? plugins.filter(isObject) : [];
    const types = entries.flatMap(({ type, delegate, ipam }) => [
      type,
      ...isObject(delegate) ? [delegate.type] : [],
      ...isObject(ipam) ? [ipam.type] : [],
    ]);
    const names = types.filter((type) => typeof type === "string" && type !== "");
    return [...new Set(names.map(String))].filter((type) => !isOwnName(type));
  } catch {
    return [];
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
