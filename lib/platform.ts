/** The operating system under us: the only place that asks which one it is. */
import { HeadcniError } from "./errors.ts";
import type { Host, OpenHostOptions } from "./host/host.ts";
import { LinuxFirewall } from "./linux/firewall.ts";
import { openLinuxHost } from "./linux/host.ts";
import { makeNetns as makeLinuxNetns, type Netns } from "./linux/netns.ts";
import { readSysctl } from "./linux/sysctl.ts";
import { readUptimeMs } from "./linux/uptime.ts";

/**
 * Opens the kernel of this node, and the namespace of a pod.
 * @throws ConfigError `invalid-netns` when the pod's namespace is gone, is none, or is our own.
 * @throws KernelError when the kernel refuses, HeadcniError on other systems than Linux.
 */
export function openHost(options?: OpenHostOptions): Host {
  requireLinux();
  return openLinuxHost(options);
}

/**
 * Opens our part of the node's packet filter.
 * @throws KernelError when the kernel refuses, HeadcniError on other systems than Linux.
 */
export function openFirewall(): LinuxFirewall {
  requireLinux();
  return new LinuxFirewall();
}

/**
 * Makes an empty network namespace that goes with this process, or with its disposal.
 * @throws KernelError when the kernel refuses, HeadcniError on other systems than Linux.
 */
export function makeNetns(): Netns {
  requireLinux();
  return makeLinuxNetns();
}

/**
 * Names the current boot, so that what an earlier one left can be told apart; see random(4).
 * @throws HeadcniError on other systems than Linux.
 */
export function bootId(): string {
  requireLinux();
  return readSysctl(["kernel", "random", "boot_id"]) ?? "";
}

/**
 * Milliseconds since boot, sleep included: CLOCK_BOOTTIME as proc_uptime(5) tells it, in steps of
 * 10 ms.
 * @throws HeadcniError on other systems than Linux, or an error of Deno where /proc is missing.
 */
export function uptimeMs(): number {
  requireLinux();
  return readUptimeMs();
}

/**
 * Names our own network namespace, such as `net:[4026531840]`; see namespaces(7). Two that exist at
 * once never have the same name.
 * @throws HeadcniError on other systems than Linux, or an error of Deno where /proc is missing.
 */
export function netns(): string {
  requireLinux();
  return Deno.readLinkSync("/proc/self/ns/net");
}

function requireLinux(): void {
  if (Deno.build.os === "linux") return;
  throw new HeadcniError(
    "unavailable",
    `Cannot work on "${Deno.build.os}": pods' networks are made with Linux's netlink`,
  );
}
