/** What is known of a node, as a person reads it: one screen. */
import type { Screen } from "../screen.ts";
import { formatAge, formatRows } from "../table.ts";
import { formatPods } from "./format_pods.ts";
import type { ConflistView } from "./read_conflists.ts";
import type { DaemonView } from "./read_daemon.ts";
import type { RuntimeView } from "./read_runtimes.ts";
import type { MeshView, Status } from "./read_status.ts";

/** How it is shown. */
export interface FormatOptions {
  /** Whether what is attached is listed. */
  readonly pods: boolean;
  readonly nowMs: number;
  readonly screen: Screen;
}

/** The whole. */
export function formatStatus(status: Status, { pods, nowMs, screen }: FormatOptions): string {
  const { daemon, problems, unseen } = status;
  const rows = [
    ...row("daemon", [daemonText(daemon, nowMs, screen)]),
    ...row("not ready", daemon.reasons.map(screen.fail)),
    ...row("no pods", problems.map((text) => screen.fail(`the plugin refuses them: ${text}`))),
    ...row("warnings", daemon.warnings.map(screen.warn)),
    ...row("configuration", status.conflists.map((each) => conflistText(each, screen))),
    ...row("pod network", [podCidrText(status, screen)]),
    ...row("addresses", poolTexts(status, screen)),
    ...row("mesh", status.mesh ? meshTexts(status.mesh, screen) : ["no tailnet"]),
    ...row("runtime", runtimeTexts(status.runtimes, screen)),
    ...row("pods", podsTexts(status, pods)),
    ...row("could not see", unseen.map(screen.warn)),
  ];
  return [
    `${screen.heading(`Node ${status.node}`)}: ${
      verdict(daemon, screen)
    } (headcni ${status.version})`,
    formatRows(rows, screen),
    ...pods && status.stores.length > 0 ? ["", formatPods(status.stores, nowMs, screen)] : [],
  ].join("\n");
}

/** A label before the first of several lines; nothing without lines. */
function row(label: string, lines: readonly string[]): string[][] {
  return lines.map((line, at) => [at === 0 ? label : "", line]);
}

function verdict({ ready }: DaemonView, { pass, warn, fail }: Screen): string {
  if (ready === null) return warn("not known whether it is ready");
  return ready ? pass("ready") : fail("not ready");
}

function daemonText(daemon: DaemonView, nowMs: number, { pass, warn, fail }: Screen): string {
  const { state, started, version, pid } = daemon;
  if (state === "stopped") return `${fail("not running")}: start headcni daemon`;
  if (state === "unknown") return warn("could not be asked");
  const since = started === null ? "" : ` for ${formatAge(nowMs - Date.parse(started))}`;
  return `${pass("running")}${since}, release ${version}${pid === null ? "" : `, process ${pid}`}`;
}

function conflistText(
  { directory, name, state, first }: ConflistView,
  { pass, warn, fail }: Screen,
): string {
  const path = `${directory}/${name}`;
  const others = first === null ? "and no other" : `runtimes take ${first}`;
  if (state === "missing") return `${path}: ${fail("not there")}, ${others}`;
  if (state === "foreign") return `${path}: ${fail("not ours")}, ${others}`;
  return first === name
    ? `${path}: ${pass("ours")}, and the first`
    : `${path}: ${warn(`ours, but ${others}`)}`;
}

function podCidrText({ podCidr, daemon }: Status, { warn, fail }: Screen): string {
  const { cidrs, source, origin, since } = podCidr;
  if (cidrs.length === 0 && daemon.state === "unknown") return warn("not known");
  if (cidrs.length === 0) return `${fail("none")}: no source names one`;
  const age = since === null ? "" : `, since ${since}`;
  return `${cidrs.join(", ")} by ${source} (${origin})${age}`;
}

/** From here on a pool is worth a look, in percent. */
const NEARLY_FULL_PERCENT = 90;

function poolTexts({ pools, stores }: Status, { pass, warn, fail }: Screen): string[] {
  if (stores.length === 0) return [];
  if (pools.length === 0 && stores.some(({ attachments }) => attachments.length > 0)) {
    return ["no pool is known before the next ADD"];
  }
  if (pools.length === 0) return ["none given yet"];
  return pools.map((pool) => {
    const { network, name, cidr, allocated_ips, total_ips, cooling_ips, utilization_percent } =
      pool;
    const isFull = allocated_ips >= total_ips;
    const paint = isFull ? fail : utilization_percent >= NEARLY_FULL_PERCENT ? warn : pass;
    const used = paint(`${utilization_percent} %`);
    const cooling = cooling_ips > 0 ? `, ${cooling_ips} cooling` : "";
    return `${network}/${name} ${cidr}: ${used}, ${allocated_ips} used${cooling}`;
  });
}

function meshTexts(mesh: MeshView, { pass, fail }: Screen): string[] {
  const { connected, state, trouble, controlServer, addresses, peers, advertised, served } = mesh;
  if (trouble !== null) return [fail(trouble)];
  if (!connected) return [`${fail("not connected")}: tailscaled is ${state}`];
  const place = `${pass("connected")} to ${controlServer ?? "its control server"}`;
  const waiting = advertised.filter((route) => !served.includes(route));
  return [
    `${place} as ${addresses.join(", ")}, ${peers} ${peers === 1 ? "peer" : "peers"}`,
    ...served.length > 0 ? [`serves ${served.join(", ")}`] : [],
    ...waiting.length > 0
      ? [`${fail("not served")}: ${waiting.join(", ")}; "headcni mesh check" tells why`]
      : [],
  ];
}

function runtimeTexts(runtimes: readonly RuntimeView[], { pass, fail }: Screen): string[] {
  if (runtimes.length === 0) return ["no socket of containerd or CRI-O is there"];
  return runtimes.map(({ socket, networkReady, message, confDirectory, network }) => {
    if (networkReady === null) return `${socket} is there, but was not asked: that takes crictl`;
    const said = message === null ? "" : `: ${message}`;
    if (!networkReady) return `${socket}: ${fail("network not ready")}${said}`;
    const from = confDirectory === null ? "" : ` of ${confDirectory}`;
    const name = network === null ? "" : `, "${network}"${from}`;
    return `${socket}: ${pass("network ready")}${name}${said}`;
  });
}

function podsTexts({ stores }: Status, isListed: boolean): string[] {
  if (stores.length === 0) return [];
  const count = stores.reduce((sum, { attachments }) => sum + attachments.length, 0);
  const hint = isListed || count === 0 ? "" : "; --pods lists them";
  return [`${count} attached${hint}`];
}
