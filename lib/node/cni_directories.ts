/** Where the runtimes of a node look for network configurations and for plugins. */
import { normalize } from "@std/path";
import { readTomlTexts, type TomlTexts } from "../discovery/plain_toml.ts";
import { ConfigError } from "../errors.ts";

/** The folders of one runtime, or of several that read the same configurations. */
export interface CniDirectories {
  /** For logs; `settings` when they were not found but configured. */
  readonly runtimes: readonly string[];
  readonly confDirectory: string;
  /** Where our executables must be: the first folder of each runtime. */
  readonly installDirectories: readonly string[];
  /** Where these runtimes look for plugins: `CNI_PATH`. */
  readonly path: readonly string[];
}

/** What the settings say; what is undefined is found. */
export interface ConfiguredDirectories {
  readonly confDirectory?: string | undefined;
  readonly binDirectory?: string | undefined;
}

/** A file of settings of a runtime, as it was read. */
export interface RuntimeFile {
  readonly path: string;
  readonly text: string;
}

/** Files of settings by which runtimes are found; those of a folder end in `.conf`. */
export const RUNTIME_FILES: readonly string[] = [
  // k3s writes it at each start: pkg/agent/templates. It names folders only while k3s runs its own
  // flannel (`{{ if not .NodeConfig.NoFlannel }}`), otherwise containerd's own hold. Its bin_dir is
  // data/cni since pull request 10868, data/<hash>/bin before.
  "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
  "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
  // k0s documentation, "Runtime configuration".
  "/etc/k0s/containerd.toml",
  // Made of containerd-template.toml by microk8s' run-containerd-with-args.
  "/var/snap/microk8s/current/args/containerd.toml",
  "/etc/containerd/config.toml",
  // crio.conf(5).
  "/etc/crio/crio.conf",
  "/etc/crio/crio.conf.d/",
];

/**
 * The folders that our files go to. A folder that is configured is the only one. Otherwise those of each
 * runtime that is found, for which of them the kubelet uses only the kubelet knows, and a runtime
 * that nobody asks for pods is not harmed by a network more. A containerd whose CRI is disabled, as
 * Docker's packages set it up, is none. Where nothing is found: containerd's own.
 * @param files those of {@linkcode RUNTIME_FILES} that are there.
 * @throws ConfigError when a folder that is configured is no absolute path.
 */
export function findCniDirectories(
  files: readonly RuntimeFile[],
  { confDirectory, binDirectory }: ConfiguredDirectories = {},
): CniDirectories[] {
  const bins = binDirectory === undefined ? undefined : [absolute("bin", binDirectory)];
  if (confDirectory !== undefined) {
    const conf = absolute("conf", confDirectory);
    return merge([{ name: "settings", conf, bins: bins ?? [DEFAULT_BIN] }]);
  }
  const found = FINDERS.flatMap((find) => find(files));
  const all = found.length > 0
    ? found
    : [{ name: "containerd", conf: DEFAULT_CONF, bins: [DEFAULT_BIN] }];
  return merge(all.map((runtime) => ({ ...runtime, bins: bins ?? runtime.bins })));
}

/** Of containerd (internal/cri/config, DefaultConfig) and of CRI-O (pkg/config, cniConfigDir). */
const DEFAULT_CONF = "/etc/cni/net.d";
const DEFAULT_BIN = "/opt/cni/bin";

/** One runtime. */
interface Found {
  readonly name: string;
  readonly conf: string;
  readonly bins: readonly string[];
}

const MICROK8S = "/var/snap/microk8s/current";

const FINDERS: readonly ((files: readonly RuntimeFile[]) => Found[])[] = [
  ...[["k3s", "/var/lib/rancher/k3s/"], ["rke2", "/var/lib/rancher/rke2/"], ["k0s", "/etc/k0s/"]]
    .map(([name = "", prefix = ""]) => (files: readonly RuntimeFile[]) =>
      containerds(name, prefix, files)
    ),
  (files) =>
    containerds("microk8s", MICROK8S, files, {
      conf: `${MICROK8S}/args/cni-network`,
      bin: `${MICROK8S}/opt/cni/bin`,
    }),
  (files) => containerds("containerd", "/etc/containerd/", files),
  findCrio,
];

function containerds(
  name: string,
  prefix: string,
  files: readonly RuntimeFile[],
  { conf, bin } = { conf: DEFAULT_CONF, bin: DEFAULT_BIN },
): Found[] {
  return files.filter(({ path }) => path.startsWith(prefix)).flatMap(({ text }) => {
    const texts = readTomlTexts(text.replaceAll("${SNAP_DATA}", MICROK8S));
    if (isCriDisabled(texts)) return [];
    const value = (key: string) => valuesOf(texts, isCriKey(key));
    // bin_dirs: containerd 2.1.
    const bins = [value("bin_dirs"), value("bin_dir"), [bin]].find((list) => list.length > 0);
    return [{ name, conf: value("conf_dir")[0] ?? conf, bins: bins ?? [] }];
  });
}

/** The last file that names a key wins: crio.conf.d(5). */
function findCrio(files: readonly RuntimeFile[]): Found[] {
  const own = files.filter(({ path }) => path.startsWith("/etc/crio/"));
  if (own.length === 0) return [];
  const texts = own.flatMap(({ text }) => readTomlTexts(text));
  const value = (key: string) =>
    valuesOf(
      texts,
      ([crio, network, name, ...more]) =>
        crio === "crio" && network === "network" && name === key && more.length === 0,
    );
  const bins = value("plugin_dirs");
  return [{
    name: "cri-o",
    conf: value("network_dir")[0] ?? DEFAULT_CONF,
    bins: bins.length > 0 ? bins : [DEFAULT_BIN],
  }];
}

/** What the CRI plugin is called in versions 1, 2 and 3 of containerd's settings. */
const CRI_NAMES: readonly string[] = [
  "cri",
  "io.containerd.grpc.v1.cri",
  "io.containerd.cri.v1.runtime",
];

function isCriKey(key: string): (path: TomlTexts["path"]) => boolean {
  return ([plugins, plugin = "", cni, name, ...more]) =>
    plugins === "plugins" && CRI_NAMES.includes(plugin) && cni === "cni" && name === key &&
    more.length === 0;
}

function isCriDisabled(texts: readonly TomlTexts[]): boolean {
  return valuesOf(texts, ([name, ...more]) => name === "disabled_plugins" && more.length === 0)
    .some((plugin) => CRI_NAMES.includes(plugin));
}

/** Without empty texts, which mean the default. */
function valuesOf(
  texts: readonly TomlTexts[],
  isWanted: (path: TomlTexts["path"]) => boolean,
): readonly string[] {
  return texts.findLast(({ path }) => isWanted(path))?.values.filter((text) => text !== "") ?? [];
}

function merge(found: readonly Found[]): CniDirectories[] {
  const clean = found.map(({ name, conf, bins }) => ({
    name,
    conf: folder(conf),
    bins: bins.map(folder),
  }));
  return Array.from(Map.groupBy(clean, ({ conf }) => conf), ([confDirectory, all]) => ({
    runtimes: all.map(({ name }) => name),
    confDirectory,
    installDirectories: distinct(all.flatMap(({ bins }) => bins.slice(0, 1))),
    path: distinct(all.flatMap(({ bins }) => bins)),
  }));
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

function folder(path: string): string {
  return normalize(path).replace(/(?<=.)\/$/, "");
}

function absolute(kind: string, path: string): string {
  if (path.startsWith("/")) return path;
  throw new ConfigError(
    "invalid-config",
    `Cannot use ${kind} directory ${JSON.stringify(path)}: an absolute path wanted`,
  );
}
