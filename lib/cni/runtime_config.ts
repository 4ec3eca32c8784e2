/**
 * `runtimeConfig`: what a runtime fills in for the capabilities that a plugin declares. containerd
 * writes the names of its Go fields (`HostPort`), which Go plugins read whatever their case is.
 */

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

/** Names of pod annotations are the user's own; their case says something. */
const ANNOTATIONS = "io.kubernetes.cri.pod-annotations";

/** Known names at every depth get the spelling of CONVENTIONS.md; other names are left alone. */
export function foldRuntimeConfig(
  raw: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(raw).map(([name, value]) =>
      name === ANNOTATIONS
        ? [name, value]
        : [KNOWN_NAMES.get(name.toLowerCase()) ?? name, foldValue(value)]
    ),
  );
}

function foldValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(foldValue);
  return typeof value === "object" && value !== null ? foldRuntimeConfig({ ...value }) : value;
}
