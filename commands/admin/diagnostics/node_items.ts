/** What this node tells of itself: our own commands, the daemon, files, tools. */
import { join } from "@std/path";
import { isPresent } from "../../../lib/attach/left_over.ts";
import { nodeStatePath } from "../../../lib/attach/node_state.ts";
import type { Environment } from "../../../lib/cni/environment.ts";
import { askDaemon } from "../../../lib/daemon/ask_daemon.ts";
import { memoryPath } from "../../../lib/daemon/mesh/memory_file.ts";
import { cniDirectories, subnetFilePath } from "../../../lib/daemon/node_files.ts";
import { lastPodCidrPath } from "../../../lib/daemon/pod_cidr_sources.ts";
import type { LoadedSettings } from "../../../lib/daemon/settings/settings.ts";
import { runTool } from "../../../lib/delegate/run_tool.ts";
import { errorText } from "../../../lib/errors.ts";
import { backupPath, realPath } from "../../../lib/log_file.ts";
import { VERSION } from "../../../lib/version.ts";
import { pluginContext } from "../../context.ts";
import { DEFAULT_LOG_FILE } from "../../logged.ts";
import { type Item, printedBy } from "./item.ts";

/** Commands of ours, as children: one that a damaged store takes down does not end the bundle. */
const COMMANDS: readonly string[] = [
  ...["status", "doctor", "config show", "config validate", "mesh status", "mesh check --probe"],
  ...["mesh peers", "mesh routes", "ipam stats", "ipam ls", "ipam ls --resting", "ipam check"],
  "ipam gc --dry-run",
];
/** What the daemon serves. */
const PAGES: readonly string[] = ["/status", "/health", "/livez", "/readyz", "/metrics"];

const COMMAND_DEADLINE_MS = 60_000;
const ANSWER_DEADLINE_MS = 5_000;

/** The program and the machine. */
export function machineItem(env: Environment): Item {
  const read = (path: string) => {
    try {
      return Deno.readTextFileSync(path).trim();
    } catch (error) {
      return errorText(error);
    }
  };
  const { self } = pluginContext(env);
  return {
    name: "version.txt",
    read: () =>
      [
        `headcni ${VERSION}, Deno ${Deno.version.deno}, ${Deno.build.target}`,
        `started as ${self.join(" ")}, by user ${Deno.uid()}`,
        `time ${new Date().toISOString()}, up since ${read("/proc/uptime")}`,
        read("/proc/version"),
        read("/etc/os-release"),
      ].join("\n"),
  };
}

/** What our own commands say. */
export function commandItems(env: Environment, config: string | undefined): Item[] {
  const { self } = pluginContext(env);
  const [program = "", ...before] = self;
  return COMMANDS.map((command) => {
    const args = command.split(" ");
    return {
      name: `commands/${args.map((arg) => arg.replace(/^-+/, "")).join("-")}.json`,
      read: async () => {
        const outcome = await runTool(
          program,
          [...before, ...args, "--output", "json"],
          {
            env: config === undefined ? {} : { HEADCNI_CONFIG: config },
            deadlineMs: COMMAND_DEADLINE_MS,
            maxOutputBytes: 16 * 1024 * 1024,
          },
        );
        return printedBy(outcome);
      },
    };
  });
}

/** What the daemon answers. */
export function daemonItems({ settings: { socket } }: LoadedSettings): Item[] {
  return PAGES.map((target) => ({
    name: `daemon${target}.txt`,
    read: async () => {
      const { status, text } = await askDaemon(socket, target, ANSWER_DEADLINE_MS);
      return `${status}\n${text}`;
    },
  }));
}

/** Settings, network configurations and state, and what lies in their folders. */
export function fileItems(loaded: LoadedSettings, env: Environment): Item[] {
  const { settings, file } = loaded;
  const { dataDir, runDirectory } = settings;
  const directories = cniDirectories(loaded, env.HEADCNI_HOST_ROOT ?? "");
  const confs = directories.map(({ confDirectory }) => confDirectory);
  const bins = directories.flatMap(({ installDirectories }) => installDirectories);
  const texts = [
    ...file === undefined ? [] : [file],
    ...confs.flatMap((folder) => filesIn(folder)),
    subnetFilePath(settings),
    nodeStatePath(runDirectory),
    lastPodCidrPath(dataDir),
    memoryPath(dataDir),
  ];
  return [
    ...texts.map((path) => ({
      name: nameOf("files", path),
      read: () => readTail(path),
    })),
    ...[...confs, ...bins, dataDir, runDirectory].map((folder) => ({
      name: `${nameOf("folders", folder)}.txt`,
      read: () => listFolder(folder),
    })),
  ];
}

/** The end of our logs and of the runtime's, and what nft(8) has where it is there. */
export function toolItems(
  { settings }: LoadedSettings,
  env: Environment,
  includeLogs: boolean,
): Item[] {
  const printed = (name: string, tool: string, ...args: string[]): Item => ({
    name,
    read: async () => printedBy(await runTool(tool, args)),
  });
  const logs = [
    env.HEADCNI_LOG_FILE || DEFAULT_LOG_FILE,
    ...settings.logging.file.path === undefined ? [] : [settings.logging.file.path],
  ].flatMap((path) => {
    // What went wrong may have been put aside since.
    const before = backupPath(realPath(path), 1);
    return isPresent(before) ? [before, path] : [path];
  });
  const journal = (unit: string) =>
    printed(`logs/${unit}.txt`, "journalctl", "--no-pager", "--lines=500", `--unit=${unit}`);
  return [
    printed("kernel/nft.txt", "nft", "--stateless", "list", "ruleset"),
    ...includeLogs
      ? [
        ...logs.map((path) => ({ name: nameOf("logs", path), read: () => readTail(path) })),
        ...["headcni", "kubelet", "containerd", "k3s", "k3s-agent", "tailscaled"].map(journal),
      ]
      : [],
  ];
}

/** Network configurations, those that were moved aside too, but no kubeconfig that lies among them. */
function filesIn(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder))
      .filter(({ name, isFile }) => isFile && /\.(conf|conflist|json)(\.|$)/.test(name))
      .map(({ name }) => join(folder, name)).sort();
  } catch {
    return []; // The listing of the folder says why.
  }
}

function listFolder(folder: string): string {
  return Array.from(Deno.readDirSync(folder), ({ name, isSymlink }) => {
    const path = join(folder, name);
    const { mode, uid, size, mtime } = Deno.lstatSync(path);
    const target = isSymlink ? ` -> ${Deno.readLinkSync(path)}` : "";
    const bits = (mode ?? 0).toString(8).padStart(6, "0");
    return `${bits} ${uid} ${size} ${mtime?.toISOString() ?? "-"} ${name}${target}`;
  }).join("\n");
}

/** Bytes of a file that are read. */
const TAIL_BYTES = 512 * 1024;

/** The end of a file, from the beginning of a line on. */
function readTail(path: string): string {
  // Opening a FIFO would wait for a writer, maybe for ever.
  const { size, isFile } = Deno.statSync(path);
  if (!isFile) throw new Error("it is no regular file");
  using file = Deno.openSync(path);
  const from = Math.max(0, size - TAIL_BYTES);
  file.seekSync(from, Deno.SeekMode.Start);
  const buffer = new Uint8Array(TAIL_BYTES);
  const text = new TextDecoder().decode(buffer.subarray(0, file.readSync(buffer) ?? 0));
  return from === 0 ? text : text.slice(text.indexOf("\n") + 1);
}

/** Longest name of a file of the bundle, in bytes; `.error.txt` may come behind it. */
const MAX_NAME_BYTES = 88;

/** The path with its folders, so that no two files share a name. */
function nameOf(folder: string, path: string): string {
  const name = path.replace(/^\/+/, "").replaceAll(/[^\w.-]/g, "_");
  return `${folder}/${name.slice(folder.length + 1 - MAX_NAME_BYTES)}`;
}
