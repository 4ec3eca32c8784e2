/** What lies where the container runtime looks: network configurations and executables. */
import { type ConfFile, isLoaded } from "../node/conf_directory.ts";
import { isOwnConflist } from "../node/conflist.ts";
import { checkConflist } from "../node/check_conflist.ts";
import { isOwnPlugin } from "../pod/own_plugin.ts";
import { errorText } from "../errors.ts";
import { isObject } from "../schema.ts";
import { type Check, checksOf } from "./check.ts";
import { fail, failOn, type Finding, pass, skip, warn, warnOn } from "./finding.ts";
import type { BinariesSight, ConfFolder, ConfsSight, RuntimeView } from "./sight.ts";

const NOT_READY = "pods-stay-in-containercreating-the-node-is-notready";
const OTHER_NETWORK = "pods-get-addresses-of-another-network";

/** Why the kubelet says "cni plugin not initialized", and pods come by another network. */
export const RUNTIME_CHECKS: readonly Check[] = [
  ...checksOf("runtime", "confs", [
    ["conflist", "our network configuration", NOT_READY, judgeConflist, "turn"],
    ["conflist-first", "no other comes before it", OTHER_NETWORK, judgeFirst, "turn"],
    ["network-policy", "NetworkPolicy", "limits", judgePolicy],
    ["runtime-folders", "folders of the runtime", NOT_READY, judgeFolders],
  ]),
  ...checksOf("runtime", "binaries", [
    ["executables", "executables", NOT_READY, judgeBinaries, "turn"],
    ["loopback", "loopback plugin", NOT_READY, judgeLoopback, "turn"],
    ["other-plugins", "plugins of others", "pods-do-not-terminate", judgePlugins],
  ]),
  ...checksOf("runtime", "runtimeView", [
    ["runtime-view", "what the runtime says", NOT_READY, judgeView],
  ]),
];

const RESTORE = "start the daemon, or: headcni doctor --fix";

/** Of each folder what is wrong with ours. */
function judgeConflist({ folders, wanted }: ConfsSight): Finding {
  const judged = folders.map((folder) => judgeFolder(folder, wanted));
  return judged.find(({ verdict }) => verdict === "fail") ??
    judged.find(({ verdict }) => verdict === "warn") ??
    pass(judged.map(({ evidence }) => evidence).join("; "));
}

/** One that the daemon wrote, or one that somebody wrote by hand under any name. */
function judgeFolder({ directory, files }: ConfFolder, wanted: ConfsSight["wanted"]): Finding {
  const named = files.find(({ name }) => name === wanted?.name);
  if (named) {
    const path = `${directory}/${named.name}`;
    if (named.isFolder) return fail(`${path} is a folder`, RESTORE);
    if (named.text === undefined) return fail(`${path} cannot be read as text`, RESTORE);
    if (parse(named.text) === undefined) {
      return fail(`${path} is half-written: ${named.text.length} characters, no JSON`, RESTORE);
    }
    if (isOwnConflist(named.text)) {
      return named.text === wanted?.text
        ? pass(path)
        : warn(`${path} is not what the settings make`, RESTORE);
    }
  }
  const [own] = files.filter(isOurs);
  if (!own) {
    const other = named ? `${directory}/${named.name} is another network's` : "there is none";
    return fail(`${directory}: ${other}`, RESTORE);
  }
  const fault = faultOf(own.text ?? "");
  const path = `${directory}/${own.name}`;
  return fault === "" ? pass(`${path}, made by hand`) : fail(`${path}: ${fault}`, "mend it");
}

function judgeFirst({ folders, isExclusive }: ConfsSight): Finding {
  const seen = folders.map(({ directory, files }) => {
    const loaded = files.filter(({ name, isFolder }) => isLoaded(name) && !isFolder);
    const at = loaded.findIndex(isOurs);
    return loaded.slice(0, Math.max(at, 0)).map(({ name }) => `${directory}/${name}`);
  });
  const before = seen.flat();
  if (before.length > 0) {
    const moves = before.map((path) => `mv ${path} ${path}.aside`).join("; ");
    const seen = `the runtime takes ${before.join(", ")}`;
    return isExclusive
      ? fail(seen, `${RESTORE}, or: ${moves}`)
      : warn(`${seen}, and cni.exclusive is off`, moves);
  }
  return folders.some(({ files }) => files.some(isOurs))
    ? pass("ours is the first")
    : skip("there is none of ours");
}

/** Users who rely on a policy that nobody enforces must know. */
function judgePolicy({ policies }: ConfsSight): Finding {
  return failOn(
    policies.map((where) => `${where} asks for NetworkPolicy, which this release does not enforce`),
    "run another enforcer, and set it to false",
    "none is asked for",
  );
}

/** The settings name a folder, and the runtime's own files another one. */
function judgeFolders({ folders, foundFolders }: ConfsSight): Finding {
  const ours = folders.map(({ directory }) => directory);
  if (foundFolders.length === 0) return pass(`${ours.join(", ")}; no runtime has settings`);
  const missed = foundFolders.filter((folder) => !ours.includes(folder));
  return warnOn(
    missed.map((folder) => `the runtime looks in ${folder}, the daemon writes to ${ours}`),
    "set cni.confDir, or leave it out: then the daemon finds the folder",
    folders.map(({ directory, runtimes }) => `${directory} (${runtimes.join(", ")})`).join(", "),
  );
}

const FAULTS = {
  missing: "is not there",
  different: "is not this program",
  "not-executable": "cannot be executed",
} as const;

function judgeBinaries({ binaries }: BinariesSight): Finding {
  const own = binaries.filter(({ name }) => name !== "loopback");
  const faults = own.flatMap(({ path, state }) =>
    state === "same" ? [] : `${path} ${FAULTS[state]}`
  );
  return failOn(faults, RESTORE, own.map(({ path }) => path).join(", "));
}

/** Anybody's will do. */
function judgeLoopback({ binaries }: BinariesSight): Finding {
  const all = binaries.filter(({ name }) => name === "loopback");
  const faults = all.flatMap(({ path, state }) =>
    state === "same" || state === "different" ? [] : `${path} ${FAULTS[state]}`
  );
  return failOn(faults, RESTORE, all.map(({ path }) => path).join(", "));
}

function judgePlugins({ plugins }: BinariesSight): Finding {
  const missing = plugins.filter(({ isFound }) => !isFound).map(({ type }) => type);
  return failOn(
    missing.map((type) => `"${type}" is named by our configuration and is nowhere`),
    "install the plugins: their ADD and DEL fail (Debian: containernetworking-plugins)",
    plugins.length === 0 ? "none is needed" : plugins.map(({ type }) => type).join(", "),
  );
}

function judgeView(view: RuntimeView): Finding {
  const { confDirectory, binDirectories, loadStatus, notReady, ownFolders, ownBinaries } = view;
  if (confDirectory !== undefined && !ownFolders.includes(confDirectory)) {
    return fail(
      `the runtime looks in ${confDirectory}, our configuration is in ${ownFolders.join(", ")}`,
      `set cni.confDir to ${confDirectory}`,
    );
  }
  const [binDirectory = ""] = binDirectories;
  if (binDirectory !== "" && !ownBinaries.includes(binDirectory)) {
    return fail(
      `the runtime looks for plugins in ${binDirectory}, ours are in ${ownBinaries.join(", ")}`,
      `set cni.binDir to ${binDirectory}`,
    );
  }
  if (notReady !== "") return fail(notReady, "see the other checks of this group");
  return loadStatus === "" || loadStatus === "OK"
    ? pass(`it reads ${confDirectory ?? ownFolders.join(", ")}`)
    : fail(loadStatus, "see the other checks of this group");
}

function isOurs({ name, text, isFolder }: ConfFile): boolean {
  if (isFolder || !isLoaded(name)) return false;
  return entriesOf(parse(text ?? "")).some(({ type }) => isOwnPlugin(type));
}

/** The plugins of a list, or a configuration of one plugin. */
function entriesOf(value: unknown): Record<string, unknown>[] {
  if (!isObject(value)) return [];
  return Array.isArray(value.plugins) && value.type === undefined
    ? value.plugins.filter(isObject)
    : [value];
}

function faultOf(text: string): string {
  const value = parse(text);
  if (!isObject(value) || value.type !== undefined) return "";
  try {
    checkConflist(value);
    return "";
  } catch (error) {
    return errorText(error);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
