/**
 * `runtimeConfig`: what a runtime fills in for the capabilities that a plugin declares. containerd
 * writes the names of its Go fields (`HostPort`), which Go plugins read whatever their case is.
 */
import { POD_ANNOTATIONS } from "../attachment.ts";

/** The names of CONVENTIONS.md ("Dynamic Plugin specific fields") and of their members. */
const KNOWN_NAMES: ReadonlyMap<string, string> = new Map(
  [
    "portMappings",
    "hostPort",
    "containerPort",
    "protocol",
    "hostIP",
    "bandwidth",
    "ingressRate",
    "ingressBurst",
    "egressRate",
    "egressBurst",
    "dns",
    "servers",
    "searches",
    "options",
    "ips",
    "mac",
    "ipRanges",
    "subnet",
    "rangeStart",
    "rangeEnd",
    "gateway",
    "infinibandGUID",
    "deviceID",
    "aliases",
    "cgroupPath",
  ].map((name) => [name.toLowerCase(), name]),
);

/**
 * Known names at every depth get the spelling of CONVENTIONS.md; other names are left alone, and so
 * are the names of pod annotations: they are the user's own, and their case says something.
 */
export function foldRuntimeConfig(
  raw: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(raw).map(([name, value]) =>
      name === POD_ANNOTATIONS
        ? [name, value]
        : [KNOWN_NAMES.get(name.toLowerCase()) ?? name, foldValue(value)]
    ),
  );
}

function foldValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(foldValue);
  return typeof value === "object" && value !== null ? foldRuntimeConfig({ ...value }) : value;
}
