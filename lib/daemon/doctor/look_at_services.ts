/** Looks at the files of other programs of the node. */
import { join } from "@std/path";
import { isPresent } from "../../attach/left_over.ts";
import type { ServicesSight } from "../../doctor/sight.ts";
import { errorText } from "../../errors.ts";
import { readLastPodCidr } from "../pod_cidr_sources.ts";
import { readBounded } from "../read_bounded.ts";
import type { DoctorOptions, Scene } from "./scene.ts";

/** There while the program runs. */
const NETWORKD_RUNS = "/run/systemd/netif/state";
const NETWORK_MANAGER_RUNS = "/run/NetworkManager";
/** networkd.conf(5), NetworkManager.conf(5), sysctl.d(5): the later wins, of one name the first folder's. */
const NETWORKD = {
  file: "/etc/systemd/networkd.conf",
  folders: [
    "/usr/lib/systemd/networkd.conf.d",
    "/run/systemd/networkd.conf.d",
    "/etc/systemd/networkd.conf.d",
  ],
};
const NETWORK_MANAGER = {
  file: "/etc/NetworkManager/NetworkManager.conf",
  folders: [
    "/usr/lib/NetworkManager/conf.d",
    "/run/NetworkManager/conf.d",
    "/etc/NetworkManager/conf.d",
  ],
};
const SYSCTL = {
  file: "/etc/sysctl.conf",
  folders: ["/usr/lib/sysctl.d", "/run/sysctl.d", "/etc/sysctl.d"],
};
/** Files that other CNIs make while they run, and leave behind. */
const FOREIGN_FILES = [
  "/run/flannel/subnet.env",
  "/var/lib/cni/flannel",
  "/var/lib/calico/nodename",
  "/var/run/cilium/cilium.pid",
];

/** By files below the root of the node. */
export function lookAtServices({ options }: Scene): ServicesSight {
  const { root, loaded: { settings }, attach } = options;
  return {
    networkd: isPresent(join(root, NETWORKD_RUNS)) ? networkdSettings(root) : undefined,
    unmanaged: isPresent(join(root, NETWORK_MANAGER_RUNS)) ? unmanagedDevices(root) : undefined,
    bridge: settings.network.bridge,
    sysctlFiles: switchedOff(root),
    foreignFiles: FOREIGN_FILES.filter((path) => isPresent(join(root, path))),
    now: momentOf(attach.nowMs()),
    latest: latestMoment(options),
  };
}

/** A line `key = value` of one of the files. */
interface Assignment {
  readonly path: string;
  readonly key: string;
  readonly value: string;
}

/** In the order in which they take effect. */
function readAssignments(root: string, { file, folders }: typeof SYSCTL): Assignment[] {
  const byName = new Map<string, string>();
  for (const folder of folders) {
    for (const name of listConfs(join(root, folder))) byName.set(name, `${folder}/${name}`);
  }
  const dropIns = [...byName.keys()].sort().map((name) => byName.get(name) ?? "");
  return [file, ...dropIns].flatMap((path) =>
    textOf(join(root, path)).split("\n").flatMap((line) => {
      const [, key = "", value = ""] = /^\s*-?([\w./-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      return key === "" ? [] : [{ path, key, value }];
    })
  );
}

function networkdSettings(root: string): NonNullable<ServicesSight["networkd"]> {
  const all = readAssignments(root, NETWORKD);
  const valueOf = (wanted: string) => all.findLast(({ key }) => key === wanted)?.value;
  return {
    manageForeignRoutes: valueOf("ManageForeignRoutes"),
    manageForeignRules: valueOf("ManageForeignRoutingPolicyRules"),
  };
}

function unmanagedDevices(root: string): string[] {
  return readAssignments(root, NETWORK_MANAGER)
    .filter(({ key }) => /^unmanaged-devices\+?$/.test(key))
    .flatMap(({ value }) => value.split(/[;,]/)).filter((pattern) => pattern !== "");
}

/** How forwarding is named there, with dots. */
const FORWARDING = [
  "net.ipv4.ip_forward",
  "net.ipv4.conf.all.forwarding",
  "net.ipv6.conf.all.forwarding",
];

function switchedOff(root: string): string[] {
  const all = readAssignments(root, SYSCTL)
    .map(({ key, ...rest }) => ({ ...rest, key: key.replaceAll("/", ".") }));
  return FORWARDING.flatMap((wanted) => {
    const last = all.findLast(({ key }) => key === wanted);
    return last?.value === "0" ? [`${last.path} has ${wanted}=0`] : [];
  });
}

/** What cannot have been before it was. */
function latestMoment(
  { loaded: { settings }, executable }: DoctorOptions,
): ServicesSight["latest"] {
  const last = readLastPodCidr(settings.dataDir);
  const moments = [
    { ms: modifiedMs(executable), what: "this program" },
    { ms: last && "says" in last ? Date.parse(last.says.since) : 0, what: "the PodCIDR in use" },
  ];
  const { ms, what } = moments.reduce((one, other) => other.ms > one.ms ? other : one);
  return { ...momentOf(ms), what };
}

function momentOf(ms: number): ServicesSight["now"] {
  return { ms, text: new Date(ms).toISOString() };
}

function modifiedMs(path: string | undefined): number {
  return path === undefined ? 0 : Deno.statSync(path).mtime?.getTime() ?? 0;
}

function listConfs(folder: string): string[] {
  try {
    return Array.from(Deno.readDirSync(folder), ({ name }) => name)
      .filter((name) => name.endsWith(".conf"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw new Error(`Cannot list "${folder}": ${errorText(error)}`, { cause: error });
  }
}

/** What is no text says nothing. */
function textOf(path: string): string {
  try {
    return readBounded(path) ?? "";
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) throw error;
    return "";
  }
}
